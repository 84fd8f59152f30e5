#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/passwords.hpp"
#include "api/router.hpp"
#include "api/ticket_order/events.hpp"
#include "api/ticket_order/operations.hpp"
#include "api/ticket_order/services/card_tokens.hpp"
#include "engine/engine.hpp"

/// The TicketOrder door: what an unmodified ServiceStack client expects.
namespace kassi::api {
namespace ticket_order {

/// What an MpiToken must have been issued for.
struct MpiPurpose {
    const engine::Caller& caller;
    std::string_view merchant;
    std::string_view card_token;
    Money amount;
};
/// The gateway's own token behind one that clients have (services::Proofs::bare_token). Error: bad_request,
/// it was not issued for this.
using BareMpiToken =
    std::function<Result<std::string>(std::string_view mpi_token, const MpiPurpose& purpose)>;

}  // namespace ticket_order

struct TicketOrderOptions {
    engine::Engine& engine;
    Passwords& passwords;
    Randomness& randomness;
    /// Other sites whose pages may use the door from a browser: "https://app.example".
    std::vector<std::string> allowed_origins = {};
    std::shared_ptr<ticket_order::Events> events = nullptr;  ///< nullptr: orders pay what was handed over
    /// nullptr: none are issued here, and those of elsewhere are taken where the caller may bring them.
    ticket_order::BareMpiToken bare_mpi_token = nullptr;
    ticket_order::services::CardTokens* card_tokens = nullptr;  ///< nullptr: no card is saved
    std::vector<ticket_order::Operation> more = {};
};

/// TicketOrder, its status, log in and out, the metadata page and `more`. What `options` refers to must
/// outlive the Mount.
Mount ticket_order_door(TicketOrderOptions options);

/// What the server itself refuses, in this door's words, when `target` is one of its paths (those of `more`
/// begin with /borgunServices/); nullopt when it is not.
std::optional<HttpResponse> ticket_order_refusal(int status, std::string_view target, std::string_view why);

}  // namespace kassi::api
