#pragma once

#include <optional>
#include <string>

#include "core/step.hpp"

/// What one step leaves for the next, in the leg's sealed parcel.
namespace kassi::providers::borgun {

/// Where the customer is, or what the open call is for.
enum class Stage : std::uint8_t { none, token_page, enrolled, method, challenge };

struct Kept {
    Stage stage = Stage::none;
    std::string mpi_token;     ///< of the enrollment; "" pays without 3-D Secure
    std::string xid, tx_id;    ///< of the enrollment
    std::string md;            ///< ours, as it was enrolled
    std::string term_url;      ///< as it was enrolled
    int exponent = -1;         ///< as it was enrolled
    bool method_done = false;  ///< the second enrollment was asked for
    bool payment_sent = false;
    std::string rejected;     ///< refusal's code of a payment that the gateway refused to look at, "" none
    std::string action_code;  ///< of a capture, a cancel or a refund that is read back
    int action_status = 0;    ///< HTTP status of the same
    std::string refund_id;    ///< as its answer named it
    int event = -1;           ///< which of the leg's events is looked at
};

std::string write(const Kept& kept);
/// Text that is none of ours reads as nothing kept.
Kept read_kept(const std::string& text);
inline Kept kept_of(const core::Scene& scene) {
    return read_kept(scene.parcel.saved);
}

}  // namespace kassi::providers::borgun
