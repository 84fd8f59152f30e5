#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/simulators/borgun_objects.hpp"

/// What MPI and access control server say to each other through the browser: 3DS 1.0.2 and EMV 3DS 2. `key`
/// is the merchant's private key, out of which marks are made that nobody else can make.
namespace kassi::sandbox::borgun {

/// 20 bytes, base64: CAVV or UCAF of a record.
std::string cavv_of(std::string_view key, const Record& record);
/// "05" "06" "07", of a MasterCard "02" "01" "00".
std::string_view eci_of(const Record& record);
/// MdStatus of the validation, after what the cardholder did.
int md_after(const Record& record);

/// base64(zlib(XML)).
std::string pareq_of(const Record& record, const std::string& merchant_name, const std::string& key);
std::string pares_of(const Record& record, const std::string& key);
/// The xid inside; nullopt when it is no PaReq or PaRes at all.
std::optional<std::string> xid_of(std::string_view packed);
/// Whether two packed messages say the same, however they were wrapped.
bool same_message(std::string_view left, std::string_view right);

/// base64url of JSON, unpadded.
std::string creq_of(const Record& record);
std::string cres_of(const Record& record);
struct Challenge {
    std::string server_id, acs_id, type;
    std::string status;  ///< transStatus, "" none
    bool complete = false;
};
std::optional<Challenge> read_challenge(std::string_view message);

/// 3DS Method: threeDSMethodData both ways.
std::string method_data_of(const std::string& server_id, const std::string& notification_url);
struct MethodData {
    std::string server_id, notification_url;
};
std::optional<MethodData> read_method_data(std::string_view data);

}  // namespace kassi::sandbox::borgun
