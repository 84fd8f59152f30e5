#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/http_message.hpp"
#include "base/secret.hpp"

/// The football match in the shop: a form that places an order at the TicketOrder door, as an app does, and
/// shows what went there and what came back. Pure.
namespace kassi::sandbox::shop {

/// An order for the door: what is sent, and the same as a page shows it, without card data and password.
struct MatchOrder {
    HttpRequest request;
    std::string shown;
};

/// Of a form: "account" (of that door), "count.1" ... by ticket type, "card" (a key of the page's), "format"
/// (json or jsv), "order_id" ("" leaves the name to the door). `url` is where the doors are; who must sign
/// does. Errors: bad_request naming the field.
Result<MatchOrder> match_order(const Fields& fields, const std::string& url, const Secret<>& master_key,
                               Instant now);
/// The answer as a page shows it: status line, type, and the body with line breaks where it is JSON.
std::string match_answer(const HttpResponse& response);
/// The page's content, with the form filled as `fields` say.
nlohmann::json match_content(const Fields& fields, Instant now);

}  // namespace kassi::sandbox::shop
