#pragma once

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "providers/borgun/borgun.hpp"
#include "providers/borgun/kept.hpp"
#include "providers/borgun/order_id.hpp"
#include "scenes.hpp"

/// Payments by Borgun, and its answers. A namespace of its own: other scenes have functions of these names.
namespace kassi::providers::test {
inline namespace rpg {

inline const std::string the_token = "ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf";

inline Stage borgun_stage(std::string_view currency = "ISK", std::int64_t minor = 4990) {
    Stage stage("demo-creditcard", "borgun");
    stage.transaction.reference = "T000-0000-8RGW-3619";
    stage.transaction.held_until = the_time + std::chrono::minutes(15);
    stage.leg.credential = "borgun_token";
    stage.parcel.credential = {"borgun_token", the_token};
    stage.amount = {minor, *Currency::parse(currency, "currency")};
    stage.leg.amount = stage.amount;
    return stage;
}

inline core::Step begin(Stage& stage, core::Verb verb, const Merchant& merchant = borgun_merchant()) {
    return borgun_flow().begin(stage.scene(verb), merchant);
}

/// As core sends it: the call is the leg's, what was saved is in the parcel.
inline const core::Ask& send(Stage& stage, const core::Ask& ask) {
    ++stage.leg.calls;
    core::Call call;
    call.no = stage.leg.calls;
    call.verb = ask.as.value_or(stage.verb);
    call.step = ask.name;
    call.reference = ask.reference;
    stage.verb = call.verb;
    stage.leg.call = call;
    stage.parcel.saved = ask.saved;
    for (const auto& reference : ask.references) stage.leg.references.push_back(reference);
    return ask;
}

inline core::Step hear(Stage& stage, const core::Heard& heard, const Merchant& merchant = borgun_merchant()) {
    return borgun_flow().resume(stage.scene(stage.verb), merchant, heard);
}

inline core::Step hear(Stage& stage, int status, std::string body,
                       const Merchant& merchant = borgun_merchant()) {
    return hear(stage, answered(status, std::move(body)), merchant);
}

/// The stage while that call is open.
inline void open_call(Stage& stage, core::Verb verb, std::string_view step, borgun::Kept kept = {}) {
    stage.verb = verb;
    core::Ask ask;
    ask.name = step;
    ask.saved = borgun::write(kept);
    send(stage, ask);
}

inline nlohmann::json json_of(const core::Request& request) {
    return *parse_json(request.body);
}

struct PaymentText {
    std::string status = "Uncaptured";
    std::string code = "000";
    std::string amount = "499000", currency = "\"352\"";
    std::string order;  ///< "" that of the last call
    std::string id = "tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE";
    std::string type = "PreAuthorization";
};

inline std::string payment_json(const Stage& stage, PaymentText text = {}) {
    const auto order =
        text.order.empty() ? order_id(stage.transaction.id, stage.leg.no, stage.leg.calls) : text.order;
    return R"({"TransactionId":")" + text.id + R"(","TransactionType":")" + text.type + R"(","Amount":)" +
           text.amount + R"(,"Currency":)" + text.currency + R"(,"OrderId":")" + order +
           R"(","ActionCode":")" + text.code + R"(","TransactionStatus":")" + text.status +
           R"(","PaymentMethod":{"PaymentType":"TokenSingle","PAN":"558740******2011"}})";
}

inline std::string enrolled_json(std::string_view md_status, std::string_view more = "") {
    return R"({"ResultStatus":0,"MessageId":"118842","MdStatus":")" + std::string(md_status) +
           R"(","MPIToken":"mpi-4f1c7a90","XId":"MjAyNjExMjMxMDA0MDAwMDAwMDE=","TxId":"4711")" +
           std::string(more) + "}";
}

}  // namespace rpg
}  // namespace kassi::providers::test
