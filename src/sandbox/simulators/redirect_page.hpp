#pragma once

#include <string>
#include <string_view>

#include "base/http_message.hpp"
#include "base/money.hpp"

/// The pages that a customer sees at the redirect house. No external resources, no script but one line that
/// submits a form; everything works without it.
namespace kassi::sandbox::redirect_page {

struct Payment {
    std::string session;
    std::string merchant;
    std::string title;
    Money amount;
    std::string return_url;  ///< parsed before
};

inline constexpr std::string_view act_path = "/tickets/dummy_redirect.buy/act";

/// The payment page: what is paid, and the six ways to end it. `nonce` is fresh.
HttpResponse pay(const Payment& payment, std::string_view nonce);
/// Sends the browser to `url` with `fields` as an ordered form, by itself or by its button.
HttpResponse post_back(std::string_view url, const Fields& fields, std::string_view nonce);
/// A plain page that says something; `link` "" or where its one button leads.
HttpResponse say(int status, std::string_view heading, std::string_view text, std::string_view link,
                 std::string_view nonce);

}  // namespace kassi::sandbox::redirect_page
