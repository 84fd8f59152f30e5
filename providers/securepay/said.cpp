#include "providers/securepay/said.hpp"

#include <algorithm>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "providers/evidence.hpp"
#include "providers/order_id.hpp"

namespace kassi::providers::securepay {
namespace {

std::string keyed_bytes(std::string_view secret, std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const auto part : parts) {
        if (!text.empty()) text += '|';
        text += part;
    }
    return crypto::to_bytes(crypto::hmac_sha256(secret, text));
}

/// As it came, as we would write it, and so with a comma: nobody says which of them the house signs.
bool fits(std::string_view hash, const Said& said, std::string_view amount, std::string_view currency,
          std::string_view secret) {
    const auto given = encoding::from_hex(hash, "orderhash");
    if (!given) return false;
    const std::string with_point = decimal_amount(*said.amount);
    std::string with_comma = with_point;
    std::replace(with_comma.begin(), with_comma.end(), '.', ',');
    const std::string_view code = said.amount->currency.code();
    bool fits_any = false;
    for (const auto& wanted : {keyed_bytes(secret, {said.order, amount, currency}),
                               keyed_bytes(secret, {said.order, with_point, code}),
                               keyed_bytes(secret, {said.order, with_comma, code})})
        fits_any = crypto::equal(*given, wanted) || fits_any;
    return fits_any;
}

}  // namespace

std::string keyed_hash(std::string_view secret, std::initializer_list<std::string_view> parts) {
    return encoding::hex(keyed_bytes(secret, parts));
}

std::string decimal_amount(const Money& money) {
    const std::string text = decimal_from_minor(money.minor, money.currency.places());
    return money.currency.places() == 0 ? text + ".00" : text;
}

std::optional<Money> money_of(std::string_view amount, std::string_view currency) {
    const auto code = Currency::parse(currency, "currency");
    if (!code) return std::nullopt;
    std::string text(amount);
    // Two of them, as with groups of thousands, are no amount.
    std::replace(text.begin(), text.end(), ',', '.');
    const auto minor = minor_from_decimal(text, code->places(), "amount");
    if (!minor || *minor <= 0 || *minor > payment_minor_max) return std::nullopt;
    return Money{*minor, *code};
}

std::string only_value(const Fields& fields, std::string_view name) {
    std::optional<std::string> value;
    for (const auto& [field, said] : fields) {
        if (ascii_lower(field) != name) continue;
        if (value && *value != said) return "";
        value = said;
    }
    return value.value_or("");
}

Said read_said(const Fields& fields, std::string_view secret) {
    Said said;
    const auto of = [&](std::string_view name) { return only_value(fields, name); };
    // Form before hash: what we signed for the browser to carry must never read as something of the house.
    if (auto order = of("orderid"); is_order_id(order)) said.order = std::move(order);
    said.status = ascii_lower(of("status"));
    said.step = ascii_lower(of("step"));
    if (auto id = of("refundid"); is_plain_reference(id) && !may_be_card_number(id))
        said.refund_id = std::move(id);
    const std::string amount = of("amount"), currency = of("currency"), hash = of("orderhash");
    said.amount = money_of(amount, currency);
    said.is_signed = !said.order.empty() && said.amount && fits(hash, said, amount, currency, secret);
    said.is_empty = of("orderid").empty() && said.status.empty() && hash.empty();
    return said;
}

}  // namespace kassi::providers::securepay
