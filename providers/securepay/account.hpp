#pragma once

#include <string>
#include <vector>

#include "providers/flow.hpp"

/// A merchant's settings, checked.
namespace kassi::providers::securepay {

struct Account {
    std::string page_url;  ///< "https://securepay.borgun.is/securepay": of default.aspx and refund.aspx
    std::string merchant_id, gateway_id;
    std::string language;  ///< of the page: "EN"
    bool skips_receipt = false;
    std::vector<std::string> currencies;
    Flow::Debitor debitor;
};

/// Errors: bad_request naming the setting or secret.
Result<Account> read_account(const Merchant& merchant);
/// Of a merchant that read_account() accepted before.
Account account_of(const Merchant& merchant);
core::Facts facts_of(const Account& account);

}  // namespace kassi::providers::securepay
