#pragma once

#include <string>
#include <vector>

#include "providers/flow.hpp"

/// A merchant's settings, checked.
namespace kassi::providers::stripe {

struct Account {
    std::string api_version;
    std::string api_url;
    std::string script_url;
    std::string publishable_key;
    bool takes_network_tokens = false;  ///< opened by the caller
    bool test = false;                  ///< its keys are test keys
    std::vector<std::string> currencies;
    std::vector<std::string> reusable_tokens;
    Flow::Debitor debitor;
};

/// Errors: bad_request naming the setting or secret.
Result<Account> read_account(const Merchant& merchant);
/// Of a merchant that read_account() accepted before.
Account account_of(const Merchant& merchant);
core::Facts facts_of(const Account& account, const Merchant& merchant);

/// "scheme://host[:port]" of an absolute URL.
std::string origin_of(const std::string& url);

}  // namespace kassi::providers::stripe
