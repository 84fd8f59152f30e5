#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "sandbox/simulators/borgun_tables.hpp"
#include "tests/simulation/borgun_street.hpp"

/// What Kassi sends to Borgun, and what the gateway's ledger says of it.
namespace kassi::simulation {
namespace {

using core::LegMoney;

constexpr std::string_view payment_path = "/borgun/rpg/api/payment";
constexpr std::string_view token_path = "/borgun/rpg/api/token/single";

std::string text_of(const nlohmann::json& object, std::string_view name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

struct Payment {
    std::string order, token, mpi_token, cryptogram;
};

Payment payment_of(const HttpRequest& request) {
    const auto body = parse_json(request.body);
    if (!body || !body->is_object()) return {};
    Payment payment{text_of(*body, "OrderId"), "", "", ""};
    if (body->contains("PaymentMethod")) payment.token = text_of(body->at("PaymentMethod"), "Token");
    if (body->contains("ThreeDSecure")) payment.mpi_token = text_of(body->at("ThreeDSecure"), "MpiToken");
    for (const char* name : {"CAVV", "UCAF"})
        if (body->contains("ThreeDSecure") && body->at("ThreeDSecure").contains(name))
            payment.cryptogram = text_of(body->at("ThreeDSecure"), name);
    return payment;
}

bool is_payment(const HttpRequest& request) {
    return request.method == "POST" && request.target == payment_path;
}

std::string name_of(const core::Transaction& transaction, const core::Leg& leg) {
    return transaction.id.text() + "-" + std::to_string(leg.no);
}

/// The gateway's unit has two extra digits, whatever the currency; JPY none.
std::int64_t iso_minor(std::int64_t wire, const std::string& currency) {
    const auto* row = sandbox::borgun::currency_of_code(currency);
    KASSI_ENSURE(row != nullptr);
    for (int i = row->places; i < row->exponent; ++i) wire *= 10;
    for (int i = row->exponent; i < row->places; ++i) wire /= 10;
    return wire;
}

}  // namespace

// ---- the network ---------------------------------------------------------------------------------------

void BorgunStreet::sent(const HttpRequest& request) {
    if (request.method == "POST" && request.target == token_path) {
        const auto body = parse_json(request.body);
        KASSI_ENSURE(body);
        auto& typed = typed_[text_of(*body, "PAN") + text_of(*body, "CVC")];
        if (++typed.sent > typed.payments)
            stage_.broken(Invariant::sent_once, "a card: more often than it is to pay");
    }
    if (!is_payment(request)) return;
    const auto payment = payment_of(request);
    stage_.say(fmt::format("order {} is paid with {} {}", payment.order, payment.token, payment.mpi_token));
    if (const auto known = md_of_mpi_.find(payment.mpi_token); known != md_of_mpi_.end()) {
        // A merchant may take risks, but for these.
        static const std::set<std::string> never{"0", "7", "8", "9", "42", "50", "97"};
        const auto& said = known->second;
        if (std::all_of(said.begin(), said.end(), [](const auto& each) { return never.contains(each); }))
            stage_.broken(Invariant::authenticated, "not at all: " + payment.order);
    }
    if (lies_.contains(payment.mpi_token))
        stage_.broken(Invariant::authenticated, "otherwise than the client did: " + payment.order);
    if (!orders_sent_.insert(payment.order).second)
        stage_.broken(Invariant::sent_once, "a payment: " + payment.order);
    if (!payment.cryptogram.empty() && !tokens_sent_.emplace(payment.cryptogram, payment.order).second)
        stage_.broken(Invariant::sent_once, "a wallet's cryptogram: " + payment.order);
    for (const auto& token : {payment.token, payment.mpi_token}) {
        if (token.empty() || token.starts_with("tm_")) continue;
        // What a client authenticated by itself is claimed by its MPI token, the other one by nobody.
        if (of_finals_.contains(token)) continue;
        const auto key = std::string(request.header("Authorization")) + token;
        if (!tokens_sent_.emplace(key, payment.order).second)
            stage_.broken(Invariant::sent_once, "a token: " + token);
    }
}

void BorgunStreet::answered(const HttpRequest& request, const HttpResponse& response) {
    const auto body = parse_json(response.body);
    if (request.target.find("/api/mpi/") == std::string::npos || !body || !body->is_object()) return;
    const auto xid = text_of(*body, "XId"), mpi = text_of(*body, "MPIToken");
    if (!mpi.empty()) mpi_of_xid_[xid] = mpi;
    if (const auto found = mpi_of_xid_.find(xid); found != mpi_of_xid_.end())
        md_of_mpi_[found->second].insert(text_of(*body, "MdStatus"));
}

bool BorgunStreet::may_be_doubled(const HttpRequest& request) {
    if (is_payment(request)) {
        const auto payment = payment_of(request);
        return payment.token.starts_with("ts_") || !payment.mpi_token.empty();
    }
    return request.body.find("PartialAmount") == std::string::npos;
}

bool BorgunStreet::may_answer_the_copy(const HttpRequest& request) {
    return !is_payment(request) || payment_of(request).token.starts_with("ts_");
}

// ---- the ledger ----------------------------------------------------------------------------------------

void BorgunStreet::let_time_pass() {
    house_.handler()({"GET", "/borgun/_faults", {}, "", ""}, [](const HttpResponse&) {});
}

void BorgunStreet::read_ledger() {
    const auto& ledger = house_.ledger();
    for (; entries_read_ < ledger.size(); ++entries_read_) {
        const auto& entry = ledger[entries_read_];
        auto& truth = by_order_[entry.reference];
        const auto minor = iso_minor(entry.minor, entry.currency);
        if (entry.kind == "held") {
            ++truth.payments;
            truth.held += minor;
            held_once_.insert(entry.transaction);
            held_at_[entry.transaction] = entry.at;
        } else if (entry.kind == "hold_gone") {
            truth.hold_gone += minor;
            if (entry.at - held_at_[entry.transaction] >= hold_life_) stage_.seen(Fault::bank_let_go);
        } else if (entry.kind == "given_back") {
            truth.back += minor;
        } else {
            truth.taken += minor;
            const bool captured = held_once_.contains(entry.transaction);
            (captured ? truth.captured : truth.payments) += captured ? minor : 1;
        }
    }
}

const BorgunStreet::Truth& BorgunStreet::truth(const core::Transaction& transaction, const core::Leg& leg) {
    read_ledger();
    Truth& sum = truths_[name_of(transaction, leg)];
    sum = {};
    for (const auto& order : orders_of_[name_of(transaction, leg)]) {
        const auto& one = by_order_[order];
        sum.payments += one.payments;
        sum.held += one.held;
        sum.hold_gone += one.hold_gone;
        sum.captured += one.captured;
        sum.taken += one.taken;
        sum.back += one.back;
    }
    return sum;
}

// ---- the invariants ------------------------------------------------------------------------------------

std::int64_t BorgunStreet::has_of(const core::Transaction& transaction, const core::Leg& leg) {
    const auto& truth = this->truth(transaction, leg);
    return truth.kept() + truth.still_held();
}

void BorgunStreet::check(const core::Transaction& transaction, const core::Leg& leg) {
    const auto name = name_of(transaction, leg);
    if (leg.call && leg.call->step == "pay") {
        const auto owner = order_owner_.emplace(leg.call->reference, name).first;
        if (owner->second != name)
            stage_.broken(Invariant::sent_once, "an order of two legs: " + leg.call->reference);
        orders_of_[name].insert(leg.call->reference);
    }
    const auto& truth = this->truth(transaction, leg);
    if (truth.payments > 1) stage_.broken(Invariant::charged_once, "authorised twice: " + name);
    if (truth.taken > leg.amount.minor) stage_.broken(Invariant::charged_once, name);
    if (truth.back > truth.taken) stage_.broken(Invariant::no_more_back_than_taken, name);
    const bool taken = leg.money == LegMoney::taken || leg.money == LegMoney::back;
    if ((taken && truth.taken != leg.taken_minor) ||
        (leg.money == LegMoney::held && truth.held != leg.taken_minor))
        stage_.broken(Invariant::believed_is_true, name);
    if (leg.back_minor > truth.back) stage_.broken(Invariant::believed_is_true, "given back: " + name);
    if (!core::settled(transaction)) return;
    if (truth.still_held() != 0) stage_.broken(Invariant::settled_frees_the_card, name);
    if (transaction.phase == core::Phase::failed && truth.kept() != 0)
        stage_.broken(Invariant::failed_keeps_nothing, "the house keeps money: " + name);
}

void BorgunStreet::check_no_card(const std::string& text, const std::string& where) {
    for (const auto& number : numbers_)
        if (text.find(number) != std::string::npos) stage_.broken(Invariant::no_card_written, where);
}

void BorgunStreet::check_token(const TransactionId& id, const core::Leg& leg,
                               const core::Credential& credential) {
    std::string key = credential.value;
    if (credential.kind == "apple_pay") {
        const auto [known, fresh] = spent_.emplace(key, std::pair(id, leg.no));
        if (!fresh && known->second != std::pair(id, leg.no))
            stage_.broken(Invariant::token_spent_once, "a wallet's");
        return;
    }
    if (credential.kind == "borgun_final") {
        const auto body = parse_json(credential.value);
        key = body ? text_of(*body, "mpiToken") : "";
    } else if (credential.kind != "borgun_token") {
        return;
    } else if (const auto body = parse_json(key); body && body->is_object()) {
        key = text_of(*body, "token");
    }
    if (key.starts_with("tm_") || key.size() < 10) return;
    // It is the merchant's: to another one it means nothing.
    const auto [known, fresh] = spent_.emplace(leg.merchant + " " + key, std::pair(id, leg.no));
    if (!fresh && known->second != std::pair(id, leg.no)) stage_.broken(Invariant::token_spent_once, key);
}

// ---- the end -------------------------------------------------------------------------------------------

bool BorgunStreet::hears_everything(const core::Leg& leg) const {
    return shop(leg.merchant)->notifies && !loses_events_;
}

/// What no machine can know or change: a payment with a multi-use token or a part that went back, of which
/// nobody was told; what the bank refuses for good.
bool BorgunStreet::explains(const std::string& name, const core::Leg& leg, const std::string& credential) {
    // Without the token that was paid with nobody can be asked what became of it since the copy was made.
    if (leg.restored) return true;
    const bool big = leg.amount.minor >= refusing_amount(leg.amount.currency);
    const auto& orders = orders_of_[name];
    const bool by_hand = std::any_of(orders.begin(), orders.end(), [this](const std::string& order) {
        return given_back_by_hand_.contains(order);
    });
    if (!leg.stuck.empty()) return big || by_hand || (one_partial_refund_ && leg.back_minor > 0);
    const bool parts = std::any_of(leg.refunds.begin(), leg.refunds.end(), [](const core::Refund& refund) {
        return refund.state == core::RefundState::asked;
    });
    // A host that timed out without doing anything: the gateway never says more.
    const bool error = leg.doubt_why == "the gateway does not know yet what became of the payment";
    if (error && truths_[name].payments == 0) return true;
    // Another's token, or one that was made into a multi-use one: no payment is named where it is looked at.
    const auto& usual = minted_[leg.merchant];
    const bool odd = std::none_of(usual.begin(), usual.end(), [&](const std::string& token) {
        return credential.find(token) != std::string::npos && !made_multi_.contains(token);
    });
    const bool blind = odd || parts;
    // Of what was not done no event comes.
    const auto& truth = truths_[name];
    const bool nothing_to_hear = parts ? truth.back == leg.back_minor : truth.payments == 0;
    return blind && (nothing_to_hear || !hears_everything(leg));
}

/// Without the payment's id we can do nothing with it: a person does it at B-Online.
bool BorgunStreet::undo_by_hand(const std::string& name, const core::Leg& leg) {
    const bool known = find_field(leg.references, "payment") != nullptr;
    const bool can =
        !known && !leg.stuck.empty() && (leg.money == LegMoney::held || leg.money == LegMoney::taken);
    if (!can) return false;
    const std::string_view kind = leg.money == LegMoney::held ? "held" : "taken";
    for (const auto& entry : house_.ledger()) {
        if (!orders_of_[name].contains(entry.reference) || entry.kind != kind) continue;
        const std::string path = "/payment/" + entry.transaction + (kind == "held" ? "/cancel" : "/refund");
        ask(private_key(leg.merchant), "PUT", path, "");  // refused where it is over already
    }
    return true;
}

std::optional<LegMoney> BorgunStreet::person(const core::Transaction& transaction, const core::Leg& leg,
                                             const std::string& credential) {
    let_time_pass();
    const auto name = name_of(transaction, leg);
    const bool by_hand = undo_by_hand(name, leg);
    const auto& truth = this->truth(transaction, leg);
    const std::string why =
        leg.stuck.empty() ? fmt::format("in doubt: {}: {}", core::word(leg.verb), leg.doubt_why) : leg.stuck;
    if (!by_hand && !explains(name, leg, credential))
        stage_.broken(Invariant::person_only_where_needed, name + ": " + why);
    const auto fact = truth.taken > 0 && truth.kept() == 0 ? LegMoney::back
                      : truth.taken > 0                    ? LegMoney::taken
                      : truth.still_held() > 0             ? LegMoney::held
                                                           : LegMoney::none;
    // There is no word for a part.
    if (fact == LegMoney::taken && truth.back != leg.back_minor) return std::nullopt;
    if (!leg.stuck.empty() && fact == leg.money) return std::nullopt;  // nothing that he could say changes it
    // What the gateway answers without a word is begun anew and answered the same: after some times he leaves
    // it.
    constexpr int patience = 3;
    if (++said_by_person_[name] > patience) return std::nullopt;
    ++stage_.report.stuck[why];
    stage_.say(fmt::format("Anna looks at {}: {}: it is {}", name, why, core::word(fact)));
    return fact;
}

bool BorgunStreet::check_end(const core::Transaction& transaction, const core::Leg& leg,
                             const std::string& credential) {
    let_time_pass();
    const auto name = name_of(transaction, leg);
    const auto& truth = this->truth(transaction, leg);
    stage_.report.cards_held += truth.held > 0 ? 1 : 0;
    stage_.report.cards_taken += truth.taken > 0 ? 1 : 0;
    stage_.report.refunds += truth.back > 0 ? 1 : 0;
    const bool moved = leg.money == LegMoney::taken || leg.money == LegMoney::back;
    const std::int64_t ours = moved ? leg.taken_minor - leg.back_minor : 0;
    const bool open = core::needs_person(leg);
    const bool explained = open && explains(name, leg, credential);
    if (open && !explained)
        stage_.broken(Invariant::person_only_where_needed, name + ": " + leg.stuck + leg.doubt_why);
    if (explained) ++stage_.report.left_to_a_person;
    if (truth.kept() != ours && !explained)
        stage_.broken(Invariant::ledgers_agree,
                      fmt::format("{} theirs {} ours {}", name, truth.kept(), ours));
    return explained;
}

}  // namespace kassi::simulation
