#include "api/ticket_order/services/checks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/router.hpp"
#include "base/http_message.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/borgun/credential.hpp"

namespace kassi::api::ticket_order::services {
namespace {

namespace borgun = providers::borgun;
namespace card = providers::card;

/// Collects what is wrong.
struct Wrong {
    Faults faults;

    void add(std::string code, std::string field, std::string message) {
        if (faults.size() < faults_max)
            faults.push_back({std::move(code), std::move(field), std::move(message)});
    }
    void missing(std::string field) { add("NotEmpty", std::move(field), "must not be empty"); }
};

std::string_view text_of(const std::optional<std::string>& value) {
    return value ? std::string_view(*value) : std::string_view();
}

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int number_of_digits(std::string_view digits) {
    int number = 0;
    for (const char c : digits) number = number * 10 + (c - '0');
    return number;
}

// ---- a card -------------------------------------------------------------------------------------------

bool is_number_text(std::string_view text) {
    constexpr std::size_t bytes_max = 40;
    return text.size() <= bytes_max && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || c == ' ' || c == '-';
           });
}

/// "0927" of "9" and "2027"; "" for what is no month and year.
std::string expiry_of(std::string_view month, std::string_view year) {
    constexpr int months = 12, century = 20;
    if (month.size() > 2 || !is_digits(month) || !is_digits(year)) return {};
    const int number = number_of_digits(month);
    const bool is_year =
        year.size() == 2 || (year.size() == 4 && number_of_digits(year.substr(0, 2)) == century);
    if (number < 1 || number > months || !is_year) return {};
    return fmt::format("{:02}{}", number, year.substr(year.size() - 2));
}

std::string path_of_member(std::string_view member, const CardPaths& paths) {
    if (member == "expiry") return paths.exp_month;
    if (member == "cvc") return paths.cvc;
    return paths.pan;
}

// ---- pieces of several requests -----------------------------------------------------------------------

/// By code or number, and known to the gateway: its number. "" with a fault otherwise.
std::optional<Currency> currency_of(std::string_view text, std::string field, Wrong& wrong) {
    const auto read = read_currency(text);
    if (read && borgun::currency_of_number(borgun::number_of(*read))) return read;
    wrong.add("Predicate", std::move(field),
              "must be a currency that the gateway knows, by code or number, such as ISK or 352");
    return std::nullopt;
}

void check_text(std::string_view text, std::size_t bytes_max, std::string field, Wrong& wrong) {
    if (text.size() > bytes_max)
        wrong.add("Length", std::move(field), fmt::format("must have at most {} bytes", bytes_max));
    else if (is_card_number(text))
        wrong.add("Predicate", std::move(field), "must not hold card data");
}

/// TokenSingle or TokenMulti, and a token of that kind.
std::string token_in(const std::optional<std::string>& type, const Secret<>& token, const std::string& path,
                     Wrong& wrong) {
    const auto word = ascii_lower(text_of(type));
    const bool single = word == "tokensingle";
    if (!single && word != "tokenmulti")
        wrong.add("Predicate", path + ".paymentType", "must be TokenSingle or TokenMulti");
    if (token.empty()) {
        wrong.missing(path + ".token");
        return {};
    }
    if (!borgun::is_token(token.reveal()))
        wrong.add("Predicate", path + ".token", "is no token of the gateway's: ts_... or tm_...");
    else if ((single || word == "tokenmulti") && borgun::is_single(token.reveal()) != single)
        wrong.add("Predicate", path + ".token", "is not of the kind that paymentType says");
    return token.reveal();
}

template <class R>
const R* request_in(const Wrapped<R>& wrapped, Wrong& wrong) {
    if (!wrapped.request) wrong.missing("request");
    return wrapped.request ? &*wrapped.request : nullptr;
}

// ---- tokens -------------------------------------------------------------------------------------------

borgun::services::Verification verification_of(const VerifyCard& wanted, Wrong& wrong) {
    borgun::services::Verification out;
    out.amount = wanted.check_amount.value_or(0);
    out.cvc = wanted.cvc;
    const std::string path = "request.verifyCard";
    const auto currency = text_of(wanted.currency);
    if (!currency.empty()) {
        if (const auto read = currency_of(currency, path + ".currency", wrong)) {
            out.currency = borgun::number_of(*read);
            if (!borgun::from_wire(*out.amount, out.currency))
                wrong.add("InclusiveBetween", path + ".checkAmount",
                          "must be 0 or an amount with two digits more than its currency is counted in");
        }
    } else if (*out.amount != 0) {
        wrong.missing(path + ".currency");
    }
    return out;
}

void lifetime_of(const TokenWanted& wanted, TokenWish& wish, Wrong& wrong) {
    wish.seconds = wanted.token_lifetime.value_or(0);
    if (wish.seconds < 1 || wish.seconds > token_seconds_max)
        wrong.add("InclusiveBetween", "request.tokenLifetime",
                  fmt::format("must be from 1 to {} seconds", token_seconds_max));
}

// ---- amounts ------------------------------------------------------------------------------------------

/// In minor units; nullopt: it has no such form, or is out of range.
std::optional<std::int64_t> minor_of(std::int64_t amount, int exponent, const Currency& currency) {
    if (amount < 1 || amount > payment_minor_max * 100) return std::nullopt;
    for (int i = currency.places(); i < exponent; ++i) {
        if (amount % 10 != 0) return std::nullopt;
        amount /= 10;
    }
    for (int i = exponent; i < currency.places(); ++i) amount *= 10;  // far from the end of 64 bits
    if (amount > payment_minor_max) return std::nullopt;
    for (const auto& [code, step] : borgun::steps())
        if (code == currency.code() && amount % step != 0) return std::nullopt;
    return amount;
}

std::optional<Money> amount_of(const EnrollmentWanted& wanted, const Currency& currency, int& exponent,
                               Wrong& wrong) {
    exponent = wanted.exponent.value_or(currency.places());
    const auto other = borgun::other_exponent(currency, currency.places());
    if (exponent != currency.places() && exponent != other) {
        wrong.add("Predicate", "request.exponent",
                  fmt::format("must be {}{}: the digits behind the point of {}", currency.places(),
                              other ? fmt::format(" or {}", *other) : "", currency.code()));
        return std::nullopt;
    }
    if (!wanted.purch_amount) {
        wrong.missing("request.purchAmount");
        return std::nullopt;
    }
    const auto minor = minor_of(*wanted.purch_amount, exponent, currency);
    if (minor) return Money{*minor, currency};
    wrong.add(
        "Predicate", "request.purchAmount",
        fmt::format("must be above 0, no more than a payment may be, and one that {} has", currency.code()));
    return std::nullopt;
}

void check_address(std::string_view url, bool https_only, Wrong& wrong) {
    if (url.empty()) return wrong.missing("request.termURL");
    const auto parsed = url.size() <= limits::return_url_bytes_max
                            ? parse_url(url, "request.termURL")
                            : Result<Url>(bad_request("request.termURL", "is too long"));
    if (!parsed)
        wrong.add("Predicate", "request.termURL", "must be an address of http or https");
    else if (https_only && parsed->scheme != "https")
        wrong.add("Predicate", "request.termURL", "must be an https address");
}

void check_card_details(const EnrollmentWanted& wanted, EnrollmentWish& wish, Wrong& wrong) {
    const std::string path = "request.cardDetails";
    if (!wanted.card_details) return wrong.missing(path);
    const auto& details = *wanted.card_details;
    if (ascii_lower(text_of(details.payment_type)) == "card")
        return wrong.add("Predicate", path + ".paymentType",
                         "must be TokenSingle or TokenMulti: make a token of the card first, which pays at "
                         "the end");
    for (const auto& [name, value] : {std::pair{"pan", &details.pan},
                                      {"expYear", &details.exp_year},
                                      {"expMonth", &details.exp_month},
                                      {"cvc2", &details.cvc2}})
        if (!value->empty())
            wrong.add("Predicate", path + "." + name, "must be left out where a token is enrolled");
    wish.request.token = token_in(details.payment_type, details.token, path, wrong);
}

// ---- the payment --------------------------------------------------------------------------------------

void check_order(std::string_view order, FinalWish& wish, Wrong& wrong) {
    // The longest is a transaction's id.
    constexpr std::size_t bytes_max = 36;
    if (order.empty()) return wrong.missing("request.orderId");
    if (order.size() > bytes_max)
        return wrong.add("Length", "request.orderId", fmt::format("must have at most {} bytes", bytes_max));
    wish.order_id = order;
}

void check_paid_amount(const std::optional<std::int64_t>& amount, FinalWish& wish, Wrong& wrong) {
    wish.amount = amount.value_or(0);
    if (wish.amount < 1 || wish.amount > payment_minor_max * 100)
        wrong.add("InclusiveBetween", "request.amount", "must be above 0, and no more than a payment may be");
}

void check_mpi_token(const Secret<>& token, std::string field, FinalWish& wish, Wrong& wrong) {
    if (token.empty()) return wrong.missing(std::move(field));
    wish.mpi_token = token.reveal();
}

}  // namespace

void bind(Binding& at, const Node& node, BankMessage& target) {
    if (node.kind == Node::Kind::list || node.kind == Node::Kind::object) return at.refuse("must be text");
    if (node.text.size() > bank_message_bytes_max)
        return at.refuse(fmt::format("must have at most {} bytes", bank_message_bytes_max));
    const bool clean = std::none_of(node.text.begin(), node.text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\r' && c != '\n') || c == 0x7F;
    });
    if (!clean) return at.refuse("must not hold control characters");
    target.text = node.text;
}

card::Card read_card(const Secret<>& pan, const Secret<>& exp_month, const Secret<>& exp_year,
                     const Secret<>& cvc, const CardPaths& paths, const card::Rules& rules, Instant now,
                     Faults& faults) {
    Wrong wrong{std::move(faults)};
    const auto before = wrong.faults.size();
    if (pan.empty()) wrong.missing(paths.pan);
    if (exp_month.empty()) wrong.missing(paths.exp_month);
    if (exp_year.empty()) wrong.missing(paths.exp_year);
    const auto expiry = expiry_of(exp_month.reveal(), exp_year.reveal());
    if (!exp_month.empty() && !exp_year.empty() && expiry.empty())
        wrong.add("Predicate", paths.exp_month, "must be a month, as 09, and expYear a year, as 2027");
    if (!is_number_text(pan.reveal())) wrong.add("CreditCard", paths.pan, "must be digits");
    if (!cvc.empty() && (!is_digits(cvc.reveal()) || cvc.reveal().size() > 4))
        wrong.add("Predicate", paths.cvc, "must be three or four digits");
    card::Card out;
    if (wrong.faults.size() == before) {
        // By hand and of its final size: what grows leaves copies behind.
        std::string text;
        text.reserve(256);
        text += R"({"number":")";
        text += pan.reveal();
        text += R"(","expiry":")";
        text += expiry;
        text += R"(","cvc":")";
        text += cvc.reveal();
        text += R"("})";
        const Secret<> credential(std::move(text));
        auto read = card::read(credential.reveal(), rules, now);
        if (!read)
            wrong.add("CreditCard", paths.pan, "is no card's number");
        else
            for (const auto fault : read->faults)
                wrong.add("CreditCard", path_of_member(card::member_of(fault), paths),
                          std::string(card::text_of(fault)));
        if (read) out = std::move(read->card);
    }
    faults = std::move(wrong.faults);
    return out;
}

Outcome<TokenWish> check_token(const Wrapped<TokenWanted>& wrapped, bool multi, const card::Rules& rules,
                               Instant now) {
    Wrong wrong;
    TokenWish wish;
    if (const auto* wanted = request_in(wrapped, wrong)) {
        const auto verify = wanted->verify_card.value_or(VerifyCard{});
        wish.card =
            read_card(wanted->pan, wanted->exp_month, wanted->exp_year, verify.cvc,
                      {"request.pan", "request.expMonth", "request.expYear", "request.verifyCard.cvc"}, rules,
                      now, wrong.faults);
        if (!multi) lifetime_of(*wanted, wish, wrong);
        if (wanted->verify_card) wish.extras.verification = verification_of(verify, wrong);
        if (wanted->metadata) {
            wish.extras.payload = text_of(wanted->metadata->payload);
            check_text(wish.extras.payload, payload_bytes_max, "request.metadata.payload", wrong);
        }
    }
    if (!wrong.faults.empty()) return not_valid(std::move(wrong.faults));
    return wish;
}

Outcome<EnrollmentWish> check_enrollment(const Wrapped<EnrollmentWanted>& wrapped,
                                         const EnrollmentRules& rules) {
    Wrong wrong;
    EnrollmentWish wish;
    if (const auto* wanted = request_in(wrapped, wrong)) {
        check_card_details(*wanted, wish, wrong);
        if (text_of(wanted->currency).empty())
            wrong.missing("request.currency");
        else if (const auto currency = currency_of(*wanted->currency, "request.currency", wrong)) {
            const auto& taken = rules.currencies;
            if (std::find(taken.begin(), taken.end(), currency->code()) == taken.end())
                wrong.add("Predicate", "request.currency", "is none that is taken here");
            wish.request.currency = borgun::number_of(*currency);
            if (const auto amount = amount_of(*wanted, *currency, wish.request.exponent, wrong)) {
                wish.amount = *amount;
                wish.request.amount = *wanted->purch_amount;
            }
        }
        wish.request.term_url = text_of(wanted->term_url);
        check_address(wish.request.term_url, rules.https_only, wrong);
        wish.request.md = text_of(wanted->md);
        check_text(wish.request.md, md_bytes_max, "request.md", wrong);
        wish.request.description = text_of(wanted->description);
        check_text(wish.request.description, description_bytes_max, "request.description", wrong);
    }
    if (!wrong.faults.empty()) return not_valid(std::move(wrong.faults));
    return wish;
}

Outcome<VerificationWish> check_verification(const Wrapped<VerificationWanted>& wrapped) {
    Wrong wrong;
    VerificationWish wish;
    if (const auto* wanted = request_in(wrapped, wrong)) {
        wish = {wanted->pa_res.text, wanted->c_res.text, std::string(text_of(wanted->md)),
                wanted->mpi_token.reveal()};
        if (wish.pares.empty() == wish.cres.empty())
            wrong.add("Predicate", "request.paRes", "or request.cRes must be given, and not both");
        check_text(wish.md, md_bytes_max, "request.md", wrong);
    }
    if (!wrong.faults.empty()) return not_valid(std::move(wrong.faults));
    return wish;
}

Outcome<FinalWish> check_final(const Wrapped<BorgunFinal>& wrapped) {
    Wrong wrong;
    FinalWish wish;
    if (const auto* wanted = request_in(wrapped, wrong)) {
        const auto type = ascii_lower(text_of(wanted->transaction_type));
        if (type == "preauthorization")
            wish.type = "PreAuthorization";
        else if (!type.empty() && type != "sale")
            wrong.add("Predicate", "request.transactionType", "must be Sale or PreAuthorization");
        check_paid_amount(wanted->amount, wish, wrong);
        if (text_of(wanted->currency).empty())
            wrong.missing("request.currency");
        else if (const auto currency = currency_of(*wanted->currency, "request.currency", wrong))
            wish.currency = borgun::number_of(*currency);
        check_order(text_of(wanted->order_id), wish, wrong);
        const auto method = wanted->payment_method.value_or(FinalMethod{});
        wish.token = token_in(method.payment_type, method.token, "request.paymentMethod", wrong);
        const auto proof = wanted->three_d_secure.value_or(FinalProof{});
        if (ascii_lower(text_of(proof.data_type)) != "token")
            wrong.add("Predicate", "request.threeDSecure.dataType", "must be Token");
        check_mpi_token(proof.mpi_token, "request.threeDSecure.mpiToken", wish, wrong);
    }
    if (!wrong.faults.empty()) return not_valid(std::move(wrong.faults));
    return wish;
}

Outcome<FinalWish> check_short_final(const Wrapped<ShortFinal>& wrapped) {
    Wrong wrong;
    FinalWish wish;
    if (const auto* wanted = request_in(wrapped, wrong)) {
        check_paid_amount(wanted->amount, wish, wrong);
        check_order(text_of(wanted->order_id), wish, wrong);
        check_mpi_token(wanted->mpi_token, "request.mpiToken", wish, wrong);
        if (wanted->token.empty())
            wrong.missing("request.token");
        else if (!borgun::is_token(wanted->token.reveal()))
            wrong.add("Predicate", "request.token", "is no token of the gateway's: ts_... or tm_...");
        wish.token = wanted->token.reveal();
    }
    if (!wrong.faults.empty()) return not_valid(std::move(wrong.faults));
    return wish;
}

std::string final_credential(const FinalWish& wish, const std::string& bare_mpi_token,
                             const std::string& currency) {
    JsonWriter json;
    json.begin_object()
        .field("token", wish.token)
        .field("mpiToken", bare_mpi_token)
        .field("amount", wish.amount)
        .field("currency", currency)
        .field("orderId", wish.order_id)
        .field("transactionType", wish.type)
        .end_object();
    return json.take();
}

}  // namespace kassi::api::ticket_order::services
