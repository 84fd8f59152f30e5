#include <array>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/borgun_messages.hpp"
#include "sandbox/simulators/borgun_state.hpp"

/// Payments of the sandbox's Borgun: nothing here knows a request again. The same one twice charges twice.
namespace kassi::sandbox {

using borgun::Body;
using borgun::Kind;
using borgun::message_answer;
using borgun::Payment;
using borgun::Problems;
using borgun::Record;
using borgun::Stage;
using borgun::Status;

namespace {

constexpr std::int64_t amount_max = payment_minor_max * 100;
constexpr std::size_t order_id_characters = 12;
constexpr std::size_t cryptogram_bytes_max = 40;
constexpr int auth_code_digits = 6;

bool is_order_id(std::string_view text) {
    return text.size() == order_id_characters &&
           text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
               std::string_view::npos;
}

bool is_cryptogram(const std::string& text) {
    const auto bytes = encoding::from_base64(text, "cryptogram");
    return bytes && !bytes->empty() && bytes->size() <= cryptogram_bytes_max;
}

/// krónur have no cents: a multiple of 100, where the contract minds.
void check_amount(std::int64_t amount, std::string_view currency, bool whole_krona, std::string_view field,
                  Problems& problems) {
    if (amount <= 0) return problems.add(field, "'" + std::string(field) + "' must be greater than '0'.");
    const bool fraction = whole_krona && currency == "ISK" && amount % 100 != 0;
    if (amount > amount_max || fraction) problems.add(field, "Invalid format");
}

bool is_error_code(const std::string& code) {
    const auto* row = borgun::action_of(code);
    return row != nullptr && row->is_error;
}

/// MdStatus of which a payment may be made.
bool takes_payment(int md_status) {
    return !borgun::md_of(md_status).level.empty();
}

}  // namespace

HttpResponse BorgunHouse::State::pay(const Call& call) {
    constexpr auto types =
        std::to_array<std::pair<std::string_view, int>>({{"Sale", 1}, {"PreAuthorization", 5}});
    const auto& merchant = options.merchants[call.merchant];
    Problems problems;
    Payment payment;
    payment.merchant = call.merchant;
    const auto type = borgun::read_enum(call.body, "TransactionType", types);
    if (!type) problems.add("TransactionType", "Invalid format");
    payment.kind = type == 5 ? Kind::pre_authorization : Kind::sale;
    const auto* currency = currency_for(call.merchant, call.body, "Currency", problems);
    if (currency != nullptr) payment.currency = currency->code;
    payment.amount = call.body.integer("Amount").value_or(0);
    check_amount(payment.amount, payment.currency, merchant.checks.whole_krona, "Amount", problems);
    const auto date = borgun::read_transaction_date(call.body.text("TransactionDate"));
    if (!date) problems.add("TransactionDate", "Invalid format");
    payment.order_id = call.body.text("OrderId");
    if (!is_order_id(payment.order_id)) problems.add("OrderId", "Invalid format");
    payment.metadata = read_metadata(call.body, problems);
    auto paying = read_paying(call.merchant, call.body, "PaymentMethod", problems);
    if (!problems.empty()) return problems.answer();
    payment.date = *date;
    payment.method = paying->type;
    payment.token = paying->token;
    payment.card = std::move(paying->card);
    const Secured secured = read_3ds(call, payment, problems);
    if (!problems.empty()) return problems.answer();
    if (is_full()) return message_answer(503, "The service is unavailable.");
    payment.id = fresh_id("tr_");
    payment.level = secured.level;
    payment.xid = secured.xid;
    authorise(payment, action_code_of(payment, secured));
    spend(payment, secured.record);
    return paid_answer(payments.put(std::move(payment)));
}

/// Whatever the issuer said, a single-use token and an MPI token were used.
void BorgunHouse::State::spend(const Payment& payment, const std::string& record_id) {
    if (borgun::Token* token = tokens.find(payment.token); token != nullptr && !token->multi) {
        token->used_at = clock.now();
        token->transaction = payment.id;
        tokens.touch(token->id);
    }
    if (Record* record = records.find(record_id)) {
        record->spent_by = payment.id;
        records.touch(record->id);
    }
}

HttpResponse BorgunHouse::State::paid_answer(const Payment& payment) {
    keep_index(payment);
    const bool approved = payment.action_code == "000";
    if (!payment.late_until) tell(payment.merchant, "PaymentCreate", borgun::shown(payment));
    auto response = json_response(approved ? 201 : options.merchants[payment.merchant].decline_status,
                                  borgun::shown(payment));
    response.headers.emplace_back("Location", address("rpg/api/payment/" + payment.id));
    return response;
}

// ---- 3-D Secure of a payment ---------------------------------------------------------------------------

BorgunHouse::State::Secured BorgunHouse::State::read_3ds(const Call& call, const Payment& payment,
                                                         Problems& problems) {
    constexpr auto types = std::to_array<std::pair<std::string_view, int>>({{"Manual", 2}, {"Token", 3}});
    Secured secured;
    if (!call.body.has("ThreeDSecure")) return secured;
    const auto given = call.body.object("ThreeDSecure");
    const auto type = given ? borgun::read_enum(*given, "DataType", types) : std::nullopt;
    if (!type) {
        problems.add("ThreeDSecure.DataType", "Invalid format");
    } else if (*type == 3) {
        read_mpi_token(call.merchant, given->text("MpiToken"), payment, secured, problems);
    } else {
        read_manual(*given, call.merchant, payment, secured, problems);
    }
    return secured;
}

void BorgunHouse::State::read_mpi_token(std::size_t merchant, const std::string& id, const Payment& payment,
                                        Secured& secured, Problems& problems) {
    const auto& checks = options.merchants[merchant].checks;
    const auto refuse = [&](std::string_view why) { problems.add("ThreeDSecure.MpiToken", why); };
    const Record* record = records.find(id);
    if (record == nullptr || record->merchant != merchant) return refuse("MpiToken not found");
    if (checks.mpi_token_life && clock.now() >= record->created_at + borgun_mpi_token_life)
        return refuse("MpiToken has expired");
    if (checks.mpi_token_once && !record->spent_by.empty()) return refuse("MpiToken has already been used");
    if (checks.mpi_card && record->card.digest != payment.card.digest)
        return refuse("MpiToken belongs to another card");
    const auto* currency = borgun::currency_of_code(payment.currency);
    // Each amount with the other's places: nothing is divided.
    __int128 enrolled = record->amount, asked = payment.amount;
    for (int i = 0; i < currency->places; ++i) enrolled *= 10;
    for (int i = 0; i < record->exponent; ++i) asked *= 10;
    if (checks.mpi_amount && (enrolled != asked || record->currency != payment.currency))
        return refuse("MpiToken belongs to another amount");
    secured.xid = record->xid;
    secured.record = record->id;
    const bool open = record->stage == Stage::challenge || record->stage == Stage::method;
    if (open) {
        if (checks.mpi_validated) secured.refused_with = "130";
        secured.level = "0";
        return;
    }
    if (!takes_payment(record->md_status)) return refuse("Not authenticated");
    secured.level = borgun::md_of(record->md_status).level;
}

void BorgunHouse::State::read_manual(const Body& body, std::size_t merchant, const Payment& payment,
                                     Secured& secured, Problems& problems) {
    secured.level = body.text("SecurityLevelInd");
    if (secured.level != "0" && secured.level != "1" && secured.level != "2")
        problems.add("ThreeDSecure.SecurityLevelInd", "Invalid format");
    std::string cryptogram;
    for (const char* name : {"CAVV", "UCAF"}) {
        if (!body.has(name)) continue;
        const auto given = body.take_secret(name);
        if (!is_cryptogram(given.reveal()))
            problems.add(std::string("ThreeDSecure.") + name, "Invalid format");
        cryptogram = given.reveal();
    }
    if (secured.level == "2" && cryptogram.empty())
        problems.add("ThreeDSecure.CAVV", "'CAVV' or 'UCAF' should not be empty.");
    secured.xid = body.text("Xid");
    // Of a cryptogram from elsewhere (a wallet) nothing is known; one of our own must be the right one.
    const auto known = record_by_xid.find(secured.xid);
    if (known != record_by_xid.end()) {
        const Record& record = records.all.at(known->second);
        const auto& key = options.merchants[merchant].private_key;
        const bool fits = record.merchant == merchant && record.stage != Stage::challenge &&
                          record.stage != Stage::method && takes_payment(record.md_status) &&
                          record.card.digest == payment.card.digest &&
                          crypto::equal(cryptogram, borgun::cavv_of(key, record));
        if (!fits) secured.refused_with = "100";
    }
    wipe(cryptogram.data(), cryptogram.size());
}

// ---- the issuer ----------------------------------------------------------------------------------------

bool BorgunHouse::State::is_expired(const borgun::Card& card) const {
    return card.year + card.month < borgun::digits_of(clock.now()).substr(0, 6);
}

std::string BorgunHouse::State::action_code_of(const Payment& payment, const Secured& secured) const {
    const auto& merchant = options.merchants[payment.merchant];
    const auto* currency = borgun::currency_of_code(payment.currency);
    if (auto code = borgun::code_of_amount(payment.amount, *currency, borgun::Call::authorise)) return *code;
    if (!merchant.forgives_expiry && is_expired(payment.card)) return "101";
    if (!secured.refused_with.empty()) return secured.refused_with;
    const bool wanted = payment.kind != Kind::check && (merchant.wants_3ds || payment.card.plan.needs_3ds);
    if (wanted && secured.level != "1" && secured.level != "2") return "130";
    return payment.card.plan.code;
}

void BorgunHouse::State::authorise(Payment& payment, const std::string& code) {
    payment.action_code = code;
    payment.status = is_error_code(code) ? Status::error : Status::declined;
    const bool unheard =
        payment.status == Status::error && payment.card.plan.charges_anyway && payment.kind != Kind::check;
    if (code != "000" && !unheard) return;
    if (unheard) {
        payment.late_until = clock.now() + borgun_late_answer;
    } else {
        payment.auth_code = fresh_digits(auth_code_digits);
        payment.status = payment.kind == Kind::sale ? Status::accepted : Status::uncaptured;
    }
    if (payment.kind == Kind::sale) return enter(payment, "taken", payment.amount);
    payment.hold = true;
    payment.hold_until = clock.now() + options.merchants[payment.merchant].hold_life;
    enter(payment, "held", payment.amount);
}

void BorgunHouse::State::enter(const Payment& payment, std::string_view kind, std::int64_t minor) {
    if (minor == 0) return;
    ledger.push_back({clock.now(), options.merchants[payment.merchant].name, payment.id, payment.order_id,
                      std::string(kind), minor, payment.currency});
}

void BorgunHouse::State::keep_index(const Payment& payment) {
    if (payment.hold && payment.hold_until) holds.emplace(*payment.hold_until, payment.id);
    if (!payment.late_until) return;
    late.emplace(*payment.late_until, payment.id);
    const auto left = *payment.late_until - clock.now();
    after(std::max(left, Millis{0}), [self = weak_from_this()] {
        const auto state = self.lock();
        if (!state) return;
        state->catch_up();
        state->done({});
    });
}

void BorgunHouse::State::catch_up() {
    const Instant now = clock.now();
    while (!late.empty() && late.begin()->first <= now) {
        Payment* payment = payments.find(late.begin()->second);
        late.erase(late.begin());
        if (payment == nullptr || !payment->late_until) continue;
        payment->late_until.reset();
        payment->status = payment->kind == Kind::sale ? Status::accepted : Status::uncaptured;
        payment->action_code = "000";
        payment->auth_code = fresh_digits(auth_code_digits);
        payments.touch(payment->id);
        tell(payment->merchant, "PaymentCreate", borgun::shown(*payment));
    }
    while (!holds.empty() && holds.begin()->first <= now) {
        Payment* payment = payments.find(holds.begin()->second);
        holds.erase(holds.begin());
        if (payment == nullptr || !payment->hold) continue;
        payment->hold = false;
        payment->status = Status::cancelled;
        payments.touch(payment->id);
        enter(*payment, "hold_gone", payment->amount);
    }
}

// ---- afterwards ----------------------------------------------------------------------------------------

Payment* BorgunHouse::State::payment_of(const Call& call, HttpResponse& refusal) {
    refusal = borgun::problem("TransactionId", "InvalidFormat");
    if (!call.id.starts_with("tr_")) return nullptr;
    refusal = message_answer(404, "Transaction not found");
    Payment* payment = payments.find(call.id);
    return payment != nullptr && payment->merchant == call.merchant ? payment : nullptr;
}

HttpResponse BorgunHouse::State::get_payment(const Call& call) {
    HttpResponse refusal;
    const Payment* payment = payment_of(call, refusal);
    return payment == nullptr ? refusal : json_response(200, borgun::shown(*payment));
}

/// The answer to capture, cancel and refund, which the event has too.
HttpResponse BorgunHouse::State::after_action(Payment& payment, std::string_view event,
                                              const std::string& code, const std::string& refund_id) {
    JsonWriter out;
    out.begin_object().field("TransactionId", payment.id);
    if (!refund_id.empty()) out.field("RefundTransactionId", refund_id);
    out.field("ActionCode", code);
    if (code != "000") {
        const auto* row = borgun::action_of(code);
        out.field("Message", row == nullptr ? "Unknown" : row->meaning);
    }
    out.end_object();
    payments.touch(payment.id);
    tell(payment.merchant, event, std::string(out.text()));
    return json_response(200, out.take());
}

HttpResponse BorgunHouse::State::capture(const Call& call) {
    HttpResponse refusal;
    Payment* payment = payment_of(call, refusal);
    if (payment == nullptr) return refusal;
    if (payment->kind != Kind::pre_authorization || payment->status != Status::uncaptured)
        return message_answer(400, "Transaction can not be captured");
    const auto* currency = borgun::currency_of_code(payment->currency);
    if (const auto code = borgun::code_of_amount(payment->amount, *currency, borgun::Call::capture))
        return after_action(*payment, "PaymentCapture", *code);
    payment->status = Status::captured;
    payment->captured = true;
    payment->hold = false;
    enter(*payment, "taken", payment->amount);
    return after_action(*payment, "PaymentCapture", "000");
}

HttpResponse BorgunHouse::State::cancel(const Call& call) {
    HttpResponse refusal;
    Payment* payment = payment_of(call, refusal);
    if (payment == nullptr) return refusal;
    if (payment->kind != Kind::pre_authorization || payment->status != Status::uncaptured)
        return message_answer(400, "Transaction can not be cancelled");
    const auto* currency = borgun::currency_of_code(payment->currency);
    if (const auto code = borgun::code_of_amount(payment->amount, *currency, borgun::Call::cancel))
        return after_action(*payment, "PaymentCancel", *code);
    payment->status = Status::cancelled;
    payment->hold = false;
    enter(*payment, "hold_gone", payment->amount);
    return after_action(*payment, "PaymentCancel", "000");
}

HttpResponse BorgunHouse::State::refund(const Call& call) {
    HttpResponse refusal;
    Payment* payment = payment_of(call, refusal);
    if (payment == nullptr) return refusal;
    const auto& merchant = options.merchants[call.merchant];
    const bool taken = payment->kind != Kind::refund &&
                       (payment->status == Status::accepted || payment->status == Status::captured);
    if (!taken || (merchant.one_partial_refund && payment->refunded > 0))
        return message_answer(400, "Transaction can not be refunded");
    const std::int64_t left = payment->amount - payment->refunded;
    std::int64_t amount = left;
    if (call.body.has("PartialAmount")) {
        Problems problems;
        amount = call.body.integer("PartialAmount").value_or(0);
        check_amount(amount, payment->currency, merchant.checks.whole_krona, "PartialAmount", problems);
        if (amount > left) problems.add("PartialAmount", "More than is left of the transaction");
        if (!problems.empty()) return problems.answer();
    }
    if (is_full()) return message_answer(503, "The service is unavailable.");
    const auto* currency = borgun::currency_of_code(payment->currency);
    if (const auto code = borgun::code_of_amount(payment->amount, *currency, borgun::Call::refund))
        return after_action(*payment, "PaymentRefund", *code);
    return give_back(*payment, amount);
}

/// A refund is a transaction of its own.
HttpResponse BorgunHouse::State::give_back(Payment& payment, std::int64_t amount) {
    Payment back = payment;
    back.id = fresh_id("tr_");
    back.kind = Kind::refund;
    back.captured = false;
    back.status = Status::accepted;
    back.amount = amount;
    back.refunded = 0;
    back.parent = payment.id;
    back.date = iso8601(std::chrono::floor<std::chrono::seconds>(clock.now())).substr(0, 19);
    back.hold_until.reset();
    const std::string id = payments.put(std::move(back)).id;
    payment.refunded += amount;
    if (payment.refunded == payment.amount) payment.status = Status::refunded;
    enter(payment, "given_back", amount);
    return after_action(payment, "PaymentRefund", "000", id);
}

}  // namespace kassi::sandbox
