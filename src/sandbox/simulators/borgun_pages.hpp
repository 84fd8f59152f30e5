#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "base/http_message.hpp"

/// The pages that a cardholder sees at the issuer and at SecurePay, and the forms that the MPI hands out. No
/// external resources, no script but one line that submits a form; everything works without it.
namespace kassi::sandbox::borgun::pages {

/// The issuer's pages may be framed by the merchant, the hosted page may not.
enum class Framing { anywhere, nowhere };

struct Button {
    std::string_view act;   ///< value of the field "act"
    std::string_view look;  ///< "pay" | "no" | ""
    std::string_view text, more;
};

struct Choice {
    std::string_view above;  ///< over the heading: who asks
    std::string heading;
    std::string amount;                                      ///< for people
    std::vector<std::pair<std::string, std::string>> lines;  ///< what and value
    std::string action;                                      ///< path on our own origin
    Fields hidden;
    std::vector<Button> buttons, others;
};

/// A form with buttons that stays on our own origin. `nonce` is fresh.
HttpResponse choose(const Choice& choice, std::string_view nonce, Framing framing);
/// Sends the browser to `url` (parsed before) with `fields` as an ordered form: by its button, and by itself
/// when `at_once`.
HttpResponse post_to(std::string_view heading, std::string_view text, const std::string& url,
                     const Fields& fields, bool at_once, std::string_view nonce, Framing framing);
/// A plain page that says something.
HttpResponse say(int status, std::string_view heading, std::string_view text, std::string_view nonce,
                 Framing framing);

/// RedirectToACSForm: a whole page with a form that submits itself.
std::string redirect_form(const std::string& action, const Fields& fields);
/// TDSMethodContent: a hidden frame and a form that submits itself into it.
std::string method_content(const std::string& action, const std::string& data);

}  // namespace kassi::sandbox::borgun::pages
