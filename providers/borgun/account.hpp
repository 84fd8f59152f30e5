#pragma once

#include <string>
#include <vector>

#include "providers/credentials/card.hpp"
#include "providers/flow.hpp"

/// A merchant's settings, checked.
namespace kassi::providers::borgun {

struct Account {
    std::string api_url;
    std::string script_url;  ///< of BAPIjs, for front ends that make the token themselves
    std::string public_key;
    bool takes_cards = false;
    bool takes_tokens = false;
    bool takes_network_tokens = false;
    bool sale_only = false;
    bool always_3ds = false;  ///< nothing is paid without a way back for the customer
    bool notifies = false;
    card::Rules card_rules;
    std::vector<int> goes_on_with;  ///< MdStatus
    std::vector<std::string> currencies;
    Flow::Debitor debitor;
};

/// Errors: bad_request naming the setting or secret.
Result<Account> read_account(const Merchant& merchant);
/// Of a merchant that read_account() accepted before.
Account account_of(const Merchant& merchant);
core::Facts facts_of(const Account& account, const Merchant& merchant);

}  // namespace kassi::providers::borgun
