#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "base/money.hpp"

/// What the house says in the browser's return and in its notification, its hashes, and its amounts
/// (reference/borgun.md section 15.1).
namespace kassi::providers::securepay {

/// Lower-case hex HMAC-SHA256 over the parts with bars between them.
std::string keyed_hash(std::string_view secret, std::initializer_list<std::string_view> parts);

/// Major units with a point: "4990.00" of 4990 ISK, "10.50", "1.250" of a currency with three places.
std::string decimal_amount(const Money& money);
/// With a point or a comma, or neither; nullopt for anything else, for 0, and for more than a payment may be.
std::optional<Money> money_of(std::string_view amount, std::string_view currency);

/// The only value of that name, whatever the name's case; "" when there is none or they differ.
std::string only_value(const Fields& fields, std::string_view name);

struct Said {
    std::string order;            ///< "" none that is well-formed
    std::string status, step;     ///< lower case: "ok", "payment"
    std::string refund_id;        ///< "" none that is well-formed. Not signed.
    std::optional<Money> amount;  ///< nullopt: none that is well-formed
    bool is_signed = false;  ///< orderhash fits order, amount and currency. It does not cover the status.
    bool is_empty = true;    ///< neither order nor status nor hash was there
};
Said read_said(const Fields& fields, std::string_view secret);

}  // namespace kassi::providers::securepay
