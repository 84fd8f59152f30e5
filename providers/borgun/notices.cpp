#include "providers/borgun/notices.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/borgun/codes.hpp"
#include "providers/borgun/order_id.hpp"
#include "providers/borgun/payment.hpp"
#include "providers/borgun/wire.hpp"
#include "providers/evidence.hpp"

namespace kassi::providers::borgun {
namespace {

using core::LegMoney;

struct TypeRow {
    std::string_view type;
    LegMoney fact;  ///< that it hints at, when its ActionCode is 000
};
constexpr TypeRow types[] = {{"PaymentCreate", LegMoney::held},
                             {"PaymentCapture", LegMoney::taken},
                             {"PaymentRefund", LegMoney::back},
                             {"PaymentCancel", LegMoney::none}};

}  // namespace

Result<NoticeRead> read_notice(const HttpRequest& request) {
    const auto body = parse_json(request.body);
    if (!body) return body.error();
    if (!body->is_object()) return bad_request("body", "is not a JSON object");
    NoticeRead read;
    core::Notice& notice = read.notice;
    notice.trust = core::Trust::hint;
    notice.event_id = wire::text(*body, "EventId");
    if (!notice.event_id.starts_with("ev_") || !is_plain_reference(notice.event_id))
        return bad_request("EventId", "is missing or malformed");
    const auto type =
        wire::word(*body, "EventType",
                   {{1, "PaymentCreate"}, {2, "PaymentCapture"}, {3, "PaymentRefund"}, {4, "PaymentCancel"}});
    if (!is_plain_reference(type)) return bad_request("EventType", "is missing or malformed");
    const auto* data = wire::object_in(*body, "Data");
    if (data == nullptr) return bad_request("Data", "is missing or malformed");
    notice.evidence = type;
    const auto* row = std::find_if(std::begin(types), std::end(types),
                                   [&](const TypeRow& each) { return each.type == type; });
    if (row == std::end(types)) return read;
    const auto order = wire::text(*data, "OrderId"), payment = wire::text(*data, "TransactionId");
    read.reference = is_order_id(order) ? order : is_payment_id(payment) ? payment : std::string();
    const auto code = wire::text(*data, "ActionCode");
    if (is_action_code(code)) notice.evidence += " " + code;
    if (code == "000") notice.fact = row->fact;
    return read;
}

}  // namespace kassi::providers::borgun
