#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_message.hpp"
#include "engine/engine.hpp"

/// Reading what an F13 client sends (pure). Errors name the parameter as F13 spells it.
namespace kassi::api::f13 {

/// /f13/{endpoint}[/], after the endpoint optionally /{user}/{subuser}/{lang}, which nothing here needs.
struct Target {
    std::string endpoint;    ///< "purchase.v1"
    std::string this_token;  ///< callback.v1 only
    std::string next_token;  ///< callback.v1 only; "" when the client named none
    bool operator==(const Target&) const = default;
};

/// `path` is still percent-encoded. Errors: bad_request (tokens, encoding), not_found (no such shape).
Result<Target> read_target(std::string_view path);

/// {true, 1, yes, present but empty} and {false, 0, no} in any case; `fallback` when absent.
Result<bool> read_flag(const Fields& fields, std::string_view name, bool fallback = false);

/// Numbers with commas between them: "1,3". Absent or empty: none. Each 1 .. 999999999.
Result<std::vector<std::int64_t>> read_items(const Fields& fields, std::string_view name);

/// Value of a parameter that must be there and not be empty.
Result<std::string> read_required(const Fields& fields, std::string_view name);

/// "" unless it is 1 to 128 printable ASCII characters: it becomes a header and part of log lines.
std::string read_tracking(const Fields& fields);

/// The parameters that are about the call and not about the payment: sub_id, tsw_session_track_id. What is
/// left is what the third party sent.
Fields without_call_parameters(Fields fields);

/// What each bundle is paid with: {source}_callback/stripeToken, .../borgunToken. Errors: bad_request for a
/// {source}_callback/ parameter that no way of paying knows, or that comes with two values.
Result<std::map<std::string, core::Credential>> read_credentials(const Fields& fields);
/// The parameter of `fields` that brings what a source is paid with.
std::string credential_parameter(std::string_view source, const Fields& fields);

/// The return details of purchase.v1, when return_token or return_url is there.
std::optional<engine::ReturnDetails> read_returns(const Fields& fields);

}  // namespace kassi::api::f13
