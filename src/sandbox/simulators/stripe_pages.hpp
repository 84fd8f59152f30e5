#pragma once

#include <string>
#include <string_view>

#include "base/http_message.hpp"

/// What browsers see of Stripe: the page of the customer's bank, and the files of the script that puts card
/// fields into a shop's page.
namespace kassi::sandbox::stripe {

inline constexpr std::string_view secure_page_path = "/stripe/3d_secure_2/hosted";
inline constexpr std::string_view secure_act_path = "/stripe/3d_secure_2/act";
inline constexpr std::string_view script_path = "/stripe/v3/";

struct Challenge {
    std::string intent, client_secret, source;
    std::string merchant;    ///< as the customer knows it
    std::string amount;      ///< "£110.00"
    std::string card;        ///< "visa, ending in 3220"
    std::string return_url;  ///< "": the shop's own script waits
};

/// The bank's question: complete or fail. No script.
HttpResponse challenge(const Challenge& of, std::string_view nonce);
/// Says something; `link` "" or where its one button leads.
HttpResponse say(int status, std::string_view heading, std::string_view text, std::string_view link,
                 std::string_view nonce);

/// A file of the folder stripe_browser, "" when there is none.
std::string_view browser_file(std::string_view name);
/// Below script_path: "" is the script itself; 404 for what is not there.
HttpResponse browser_response(std::string_view name);

}  // namespace kassi::sandbox::stripe
