#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/http_message.hpp"
#include "sandbox/simulators/stripe_form.hpp"

/// What a request to /v1 asks for, and what every answer carries.
namespace kassi::sandbox::stripe {

enum class Work {
    create_token,
    create_method,
    create_intent,
    confirm_intent,
    capture_intent,
    cancel_intent,
    update_intent,
    search_intents,
    create_charge,
    capture_charge,
    update_charge,
    create_refund,
    update_refund,
    read_one,
    list
};

struct Route {
    Work work{};
    std::string_view step;  ///< of the faults: "create", "capture", ...
    std::string kind;       ///< "payment_intents"
    std::string id;         ///< "" none
    bool for_browsers = false;
};

/// Nullopt: nothing of that method and path is here.
std::optional<Route> route_of(std::string_view method, std::string_view path);

/// The key of Basic (as the user), Bearer or, for browsers, the form field "key"; "" none.
std::string key_of(const HttpRequest& request, const Fields& form);

HttpResponse api_response(int status, std::string body);
/// To a browser that asks whether it may.
HttpResponse preflight_response();

}  // namespace kassi::sandbox::stripe
