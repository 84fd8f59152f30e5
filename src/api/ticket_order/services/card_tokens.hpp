#pragma once

#include <functional>
#include <string>

#include "api/ticket_order/refusal.hpp"
#include "api/ticket_order/services/desk.hpp"
#include "api/ticket_order/types.hpp"
#include "base/secret.hpp"
#include "engine/engine.hpp"

/// saveCardToToken: a card becomes a multi-use token, which pays and is handed to the client.
namespace kassi::api::ticket_order::services {

struct SavedCard {
    std::string merchant;       ///< with whom it was made; pay there
    Secret<> token;             ///< "tm_..."
    std::string masked_number;  ///< "558740******2011"; "" not told
    bool made_here = true;      ///< false: it was a multi-use token already, and nobody was asked
};

class CardTokens {
  public:
    using Done = std::function<void(Outcome<SavedCard>)>;
    virtual ~CardTokens() = default;
    /// One call to the gateway, none for what is a multi-use token already. A card's CVC is verified with it
    /// (an authorisation that the gateway cancels at once), a single-use token is exchanged: it is spent by
    /// that, so that the payment must go by what comes back. Moves no money, and makes a further token when
    /// it is called twice: look for an order's earlier answer first.
    ///
    /// `field` is where `method` stands in the request ("cardInfo.paymentMethod"), for errors. Refusals:
    /// bad_request naming the member that is not plausible or that the gateway refused; conflict with code
    /// "Declined" and the member pan or token when the card's bank refused it; unavailable when nobody
    /// answered; forbidden when the caller has no such way of paying. `done` comes on the io thread, perhaps
    /// from inside the call.
    virtual void save(const engine::Caller& caller, const CardMethod& method, const std::string& field,
                      Done done) = 0;
};

}  // namespace kassi::api::ticket_order::services
