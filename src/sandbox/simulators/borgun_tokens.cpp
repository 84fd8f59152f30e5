#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/borgun_state.hpp"

/// Single-use and multi-use tokens of the sandbox's Borgun.
namespace kassi::sandbox {

using borgun::Body;
using borgun::Card;
using borgun::Problems;
using borgun::Token;

namespace {

constexpr std::size_t pan_digits_min = 13, pan_digits_max = 19;
constexpr std::size_t payload_bytes_max = 1'000;
constexpr std::string_view virtual_prefix = "99";
constexpr std::size_t virtual_digits = 16;

bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_pan(std::string_view text) {
    return text.size() >= pan_digits_min && text.size() <= pan_digits_max && borgun::passes_luhn(text);
}

/// "9" and "09" are September, "27" and "2027" one year.
bool read_expiry(const Body& body, std::string& month, std::string& year) {
    month = body.text("ExpMonth");
    year = body.text("ExpYear");
    if (month.size() == 1) month.insert(0, "0");
    if (year.size() == 2) year.insert(0, "20");
    return is_digits(month) && month.size() == 2 && month >= "01" && month <= "12" && is_digits(year) &&
           year.size() == 4;
}

void check_cvc(const Body& body, std::string_view name, Problems& problems) {
    const auto cvc = body.take_secret(name);
    const auto& digits = cvc.reveal();
    if (!digits.empty() && (!is_digits(digits) || digits.size() < 3 || digits.size() > 4))
        problems.add(name, "InvalidFormat");
}

/// Prefix and 32 characters, or at least the prefix: anything else is no identifier at all.
bool has_prefix(const std::string& id, bool multi) {
    return id.starts_with(multi ? "tm_" : "ts_");
}

HttpResponse created(std::string location, std::string body) {
    auto response = json_response(201, std::move(body));
    response.headers.emplace_back("Location", std::move(location));
    return response;
}

}  // namespace

std::optional<std::string> BorgunHouse::State::read_metadata(const Body& body, Problems& problems) {
    if (!body.has("Metadata")) return std::nullopt;
    const auto metadata = body.object("Metadata");
    if (!metadata || !metadata->find("Payload") || !metadata->find("Payload")->is_string()) {
        problems.add("Metadata.Payload", "'Payload' should not be empty.");
        return std::nullopt;
    }
    auto payload = metadata->text("Payload");
    if (payload.size() > payload_bytes_max) problems.add("Metadata.Payload", "Too long");
    return payload;
}

std::optional<Card> BorgunHouse::State::read_card(std::size_t merchant, const Body& body,
                                                  Problems& problems) const {
    const auto pan = body.take_secret("PAN");
    Card card;
    const bool pan_good = is_pan(pan.reveal());
    if (!pan_good) problems.add("PAN", "InvalidFormat");
    const bool expiry_good = read_expiry(body, card.month, card.year);
    if (!expiry_good) problems.add("ExpMonth", "Invalid expiration date");
    if (!pan_good || !expiry_good) return std::nullopt;
    card.masked = borgun::masked(pan.reveal());
    card.digest = crypto::keyed_digest(options.merchants[merchant].private_key, pan.reveal());
    card.type = borgun::card_type(pan.reveal());
    card.plan = borgun::plan_of(pan.reveal());
    return card;
}

HttpResponse BorgunHouse::State::create_single(const Call& call) {
    Problems problems;
    auto card = read_card(call.merchant, call.body, problems);
    for (const char* name : {"CVC", "CVC2"}) check_cvc(call.body, name, problems);
    const auto lifetime = call.body.integer("TokenLifetime").value_or(0);
    if (lifetime <= 0) problems.add("TokenLifetime", "'Token Lifetime' must be greater than '0'.");
    if (lifetime > borgun_token_seconds_max) problems.add("TokenLifetime", "'Token Lifetime' is too long.");
    Token token;
    token.metadata = read_metadata(call.body, problems);
    if (!problems.empty()) return problems.answer();
    if (is_full()) return borgun::message_answer(503, "The service is unavailable.");
    token.id = fresh_id("ts_");
    token.merchant = call.merchant;
    token.card = std::move(*card);
    token.valid_until =
        std::chrono::floor<std::chrono::seconds>(clock.now()) + std::chrono::seconds(lifetime);
    const Token& kept = tokens.put(std::move(token));
    return created(address("rpg/api/token/single/" + kept.id), borgun::shown(kept));
}

Token* BorgunHouse::State::usable_token(std::size_t merchant, const std::string& id, bool multi,
                                        std::string_view field, Problems& problems) {
    Token* token = has_prefix(id, multi) ? tokens.find(id) : nullptr;
    const auto refuse = [&](std::string_view why) -> Token* {
        problems.add(field, why);
        return nullptr;
    };
    if (!has_prefix(id, multi)) return refuse("InvalidFormat");
    if (token == nullptr || token->merchant != merchant) return refuse("Token not found");
    if (!token->enabled) return refuse("Token is disabled");
    if (token->used_at) return refuse("Token has already been used");
    if (!multi && clock.now() >= token->valid_until) return refuse("Token has expired");
    return token;
}

HttpResponse BorgunHouse::State::create_multi(const Call& call) {
    Problems problems;
    const std::string single_id = call.body.text("TokenSingle");
    Token token;
    Token* single = nullptr;
    if (single_id.empty()) {
        if (auto card = read_card(call.merchant, call.body, problems)) token.card = std::move(*card);
    } else if (call.body.has("PAN") || call.body.has("ExpMonth") || call.body.has("ExpYear")) {
        problems.add("TokenSingle", "Either a card or a token");
    } else {
        single = usable_token(call.merchant, single_id, false, "TokenSingle", problems);
        if (single != nullptr) token.card = single->card;
    }
    token.metadata = read_metadata(call.body, problems);
    token.merchant = call.merchant;
    if (!problems.empty()) return problems.answer();
    if (is_full()) return borgun::message_answer(503, "The service is unavailable.");
    if (call.body.has("VerifyCard")) verify_card(call, token, problems);
    if (!problems.empty()) return problems.answer();
    token.id = fresh_id("tm_");
    token.multi = true;
    std::string number = std::string(virtual_prefix) + fresh_digits(virtual_digits - 3) + "0";
    while (!borgun::passes_luhn(number)) ++number.back();
    token.virtual_number = std::move(number);
    if (single != nullptr) {
        single->used_at = clock.now();
        tokens.touch(single->id);
    }
    const Token& kept = tokens.put(std::move(token));
    keep_index(kept);
    return created(address("rpg/api/token/multi/" + kept.id), borgun::shown(kept));
}

/// An authorisation that is cancelled at once. Nothing was done when there is a problem.
void BorgunHouse::State::verify_card(const Call& call, Token& token, Problems& problems) {
    const auto verify = call.body.object("VerifyCard");
    if (!verify) return problems.add("VerifyCard", "Invalid format");
    check_cvc(*verify, "CVC", problems);
    const auto amount = verify->integer("CheckAmount");
    if (!amount || *amount < 0 || *amount > payment_minor_max)
        problems.add("VerifyCard.CheckAmount", "Invalid format");
    const auto& allowed = options.merchants[call.merchant].currencies;
    const auto* currency = borgun::currency_of_code(allowed.empty() ? "ISK" : allowed.front());
    if (verify->has("Currency") || amount.value_or(0) != 0)
        currency = currency_for(call.merchant, *verify, "VerifyCard.Currency", problems);
    if (!problems.empty() || currency == nullptr) return;
    borgun::Payment check;
    check.id = fresh_id("tr_");
    check.merchant = call.merchant;
    check.kind = borgun::Kind::check;
    check.amount = *amount;
    check.currency = currency->code;
    check.date = iso8601(std::chrono::floor<std::chrono::seconds>(clock.now())).substr(0, 19);
    check.method = "Card";
    check.card = token.card;
    const std::string code = action_code_of(check, {});
    authorise(check, code);
    if (check.hold) {
        enter(check, "hold_gone", check.amount);
        check.hold = false;
        check.status = borgun::Status::cancelled;
    }
    token.check_transaction = check.id;
    token.check_code = code;
    payments.put(std::move(check));
}

HttpResponse BorgunHouse::State::get_token(const Call& call, bool multi) {
    if (!has_prefix(call.id, multi)) return borgun::problem("Token", "InvalidFormat");
    const Token* token = tokens.find(call.id);
    if (token == nullptr || token->merchant != call.merchant)
        return borgun::message_answer(404, "Token not found");
    return json_response(200, borgun::shown(*token));
}

HttpResponse BorgunHouse::State::disable_token(const Call& call, bool multi) {
    if (!has_prefix(call.id, multi)) return borgun::problem("Token", "InvalidFormat");
    Token* token = tokens.find(call.id);
    if (token == nullptr || token->merchant != call.merchant)
        return borgun::message_answer(404, "Token not found");
    token->enabled = false;
    tokens.touch(token->id);
    return json_response(204, "");
}

std::optional<BorgunHouse::State::Paying> BorgunHouse::State::read_paying(std::size_t merchant,
                                                                          const Body& body,
                                                                          std::string_view field,
                                                                          Problems& problems) {
    constexpr auto types =
        std::to_array<std::pair<std::string_view, int>>({{"Card", 2}, {"TokenSingle", 3}, {"TokenMulti", 4}});
    const auto given = body.object(field);
    if (!given) {
        problems.add(field, "'" + std::string(field) + "' should not be empty.");
        return std::nullopt;
    }
    const auto type = borgun::read_enum(*given, "PaymentType", types);
    if (!type) {
        problems.add(std::string(field) + ".PaymentType", "Invalid format");
        return std::nullopt;
    }
    for (const char* name : {"CVC2", "CVC"}) check_cvc(*given, name, problems);
    Paying paying{std::string(types[static_cast<std::size_t>(*type - 2)].first), "", {}};
    if (*type != 2) {
        paying.token = given->text("Token");
        const Token* token = usable_token(merchant, paying.token, *type == 4, "Token", problems);
        if (token == nullptr) return std::nullopt;
        paying.card = token->card;
        return paying;
    }
    if (const std::string id = token_of_virtual_number(merchant, *given); !id.empty()) {
        const Token* token = usable_token(merchant, id, true, "PAN", problems);
        if (token == nullptr) return std::nullopt;
        paying.card = token->card;
        return paying;
    }
    auto card = read_card(merchant, *given, problems);
    if (!card) return std::nullopt;
    paying.card = std::move(*card);
    return paying;
}

/// "" when the PAN is none. It is copied only when it begins as no card does.
std::string BorgunHouse::State::token_of_virtual_number(std::size_t merchant, const Body& body) const {
    const auto* pan = body.find("PAN");
    if (pan == nullptr || !pan->is_string()) return "";
    const auto& number = pan->get_ref<const std::string&>();
    if (!number.starts_with(virtual_prefix)) return "";
    const auto known = by_virtual_number.find({merchant, number});
    return known == by_virtual_number.end() ? "" : known->second;
}

void BorgunHouse::State::keep_index(const Token& token) {
    if (token.multi) by_virtual_number[{token.merchant, token.virtual_number}] = token.id;
}

}  // namespace kassi::sandbox
