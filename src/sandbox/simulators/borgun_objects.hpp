#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/json.hpp"
#include "sandbox/simulators/borgun_house.hpp"
#include "sandbox/simulators/borgun_tables.hpp"

/// What the sandbox's Borgun remembers, how it shows it and how it saves it. `merchant` is an index into the
/// options; a saved line has the merchant's name instead.
namespace kassi::sandbox::borgun {

/// What may be kept of a card.
struct Card {
    std::string masked;
    std::string digest;  ///< keyed with the merchant's private key: tells whether two are one
    std::string month;   ///< "09"
    std::string year;    ///< "2027"
    std::string type;
    Plan plan;
};

struct Token {
    std::string id;  ///< "ts_..." | "tm_..."
    std::size_t merchant = 0;
    bool multi = false;
    Card card;
    bool enabled = true;
    Instant valid_until{};  ///< of a single one
    std::optional<Instant> used_at;
    std::string transaction;                    ///< that used it, "" none
    std::string virtual_number;                 ///< of a multi one
    std::string check_transaction, check_code;  ///< VerifyCard, "" none
    std::optional<std::string> metadata;
};

enum class Kind { sale, pre_authorization, refund, check };
enum class Status { accepted, uncaptured, captured, declined, cancelled, refunded, error };
std::string_view word(Kind kind);
std::string_view word(Status status);

struct Payment {
    std::string id;  ///< "tr_..."
    std::size_t merchant = 0;
    Kind kind = Kind::sale;
    Status status = Status::declined;
    std::int64_t amount = 0;
    std::int64_t refunded = 0;
    std::string currency;  ///< alphabetic
    std::string date;      ///< as it is echoed
    std::string order_id;
    std::string auth_code;  ///< "" when nobody authorised
    std::string action_code;
    std::string method;  ///< "Card" | "TokenSingle" | "TokenMulti"
    std::string token;   ///< "" none
    Card card;
    std::string level, xid;  ///< of ThreeDSecure, "" none
    std::optional<std::string> metadata;
    std::string parent;  ///< what a refund gives back
    bool captured = false;
    bool hold = false;                  ///< money is held now
    std::optional<Instant> hold_until;  ///< of a PreAuthorization
    std::optional<Instant> late_until;  ///< a host timeout that charged: known from then on
};

enum class Stage { method, challenge, final, validated };
std::string_view word(Stage stage);

/// One authentication at the MPI.
struct Record {
    std::string id;  ///< the MPI token
    std::size_t merchant = 0;
    std::int64_t message_id = 0;
    std::string xid, tx_id, server_id, acs_id;
    Card card;
    std::int64_t amount = 0;
    int exponent = 0;
    std::string currency;  ///< alphabetic
    std::string term_url, method_url, md, description;
    Stage stage = Stage::final;
    int md_status = 0;
    std::string outcome;  ///< what the cardholder did: "Y" "N" "A" "U", "" nothing yet
    std::string spent_by;
    Instant created_at{};
};

enum class PageStatus { open, paid, cancelled, refused };
std::string_view word(PageStatus status);

/// One payment on the hosted page.
struct Hosted {
    std::string id;  ///< "sp_...": its ticket
    std::size_t merchant = 0;
    PageStatus status = PageStatus::open;
    Fields fields;  ///< as they were posted, without the checkhash
    std::int64_t amount = 0;
    std::int64_t refunded = 0;
    std::string currency;
    std::string order_id;
    std::string refund_id, auth_code;  ///< once paid
    [[nodiscard]] std::string field(std::string_view name) const;
};

struct Event {
    std::string id;  ///< "ev_..."
    std::size_t merchant = 0;
    std::string type;
    Instant created_at{};
    std::string data;  ///< JSON
};

// ---- as the gateway shows it
std::string shown(const Token& token);
/// TransactionInfo
std::string shown(const Payment& payment);
std::string shown(const Event& event);

// ---- as it is saved
void write_saved(JsonWriter& out, const Token& token, const std::string& merchant);
void write_saved(JsonWriter& out, const Payment& payment, const std::string& merchant);
void write_saved(JsonWriter& out, const Record& record, const std::string& merchant);
void write_saved(JsonWriter& out, const Hosted& hosted, const std::string& merchant);
void write_saved(JsonWriter& out, const Event& event, const std::string& merchant);
void write_saved(JsonWriter& out, const BorgunHouse::Entry& entry);
/// False when the object is not understood. `merchant` of the object is left as it was.
bool read_saved(const nlohmann::json& object, Token& token);
bool read_saved(const nlohmann::json& object, Payment& payment);
bool read_saved(const nlohmann::json& object, Record& record);
bool read_saved(const nlohmann::json& object, Hosted& hosted);
bool read_saved(const nlohmann::json& object, Event& event);
bool read_saved(const nlohmann::json& object, BorgunHouse::Entry& entry);

}  // namespace kassi::sandbox::borgun
