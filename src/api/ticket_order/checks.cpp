#include "api/ticket_order/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/text.hpp"
#include "providers/borgun/amounts.hpp"

namespace kassi::api::ticket_order {
namespace {

// ---- what is there ------------------------------------------------------------------------------------

bool says_something(std::int64_t value) {
    return value != 0;
}
bool says_something(std::int32_t value) {
    return value != 0;
}
bool says_something(bool value) {
    return value;
}
bool says_something(const std::string& value) {
    return !value.empty();
}
bool says_something(const Secret<>& value) {
    return !value.empty();
}
bool says_something(const Decimal& value) {
    return value.digits != 0;
}
bool says_something(const Date& value) {
    return value.is_set();
}
template <class T>
bool says_something(const std::optional<T>& value);

template <class T>
bool says_something(const T& object) {
    bool any = false;
    const auto visit = [&](std::string_view, const auto& member) { any = any || says_something(member); };
    each_member(visit, object);
    return any;
}

template <class T>
bool says_something(const std::optional<T>& value) {
    return value && says_something(*value);
}

std::string_view text_of(const std::optional<std::string>& value) {
    return value ? std::string_view(*value) : std::string_view();
}

bool given(const Secret<>& value) {
    return !value.empty();
}

bool same_word(const std::optional<std::string>& value, std::string_view word) {
    return value && ascii_lower(*value) == ascii_lower(word);
}

// ---- the checks ---------------------------------------------------------------------------------------

class Checker {
  public:
    explicit Checker(const TicketOrder& request)
        : request_(request),
          card_(says_something(request.card_info) ? &*request.card_info : nullptr),
          final_(says_something(request.borgun_final) ? &*request.borgun_final : nullptr),
          apple_(says_something(request.apple_pay_info) ? &*request.apple_pay_info : nullptr) {}

    Outcome<Checked> run() {
        header();
        agreements();
        currencies();
        lines();
        holders();
        ways();
        if (faults_.empty() && currency_) amounts();
        if (!faults_.empty()) return not_valid(std::move(faults_));
        return Checked{way_, Money{total_, *currency_}, order_id()};
    }

  private:
    void fault(std::string code, std::string field, std::string message) {
        if (faults_.size() < faults_max)
            faults_.push_back({std::move(code), std::move(field), std::move(message)});
    }
    void missing(std::string field) { fault("NotEmpty", std::move(field), "must not be empty"); }

    void header() {
        if (!request_.order) return missing("order");
        if (request_.order->event_id <= 0 && !says_something(request_.team_pass))
            fault("GreaterThan", "order.eventId", "must be greater than 0");
        if (request_.order->id != 0) fault("Equal", "order.id", "must be 0: it is a new order");
    }

    void agree(const std::optional<std::string>& one, const std::optional<std::string>& other,
               std::string field, std::string_view with) {
        if (says_something(one) && says_something(other) && *one != *other)
            fault("Equal", std::move(field), fmt::format("must be the same as {}", with));
    }
    void agreements() {
        if (card_ != nullptr && apple_ != nullptr)
            agree(apple_->order_id, card_->order_id, "applePayInfo.orderId", "cardInfo.orderId");
        if (!request_.order) return;
        const auto& order = *request_.order;
        agree(order.device_id, request_.device_id, "order.deviceId", "deviceId");
        agree(order.phone_verification_number, request_.phone_verification_number,
              "order.phoneVerificationNumber", "phoneVerificationNumber");
        agree(order.seats_reservation_id, request_.seat_reservation_token_id, "order.seatsReservationId",
              "seatReservationTokenId");
    }

    void currency(const std::optional<std::string>& text, const std::string& field) {
        if (!says_something(text)) return;
        const auto read = read_currency(*text);
        if (!read)
            fault("Predicate", field, "must be a currency of ISO 4217, by code or number");
        else if (currency_ && *currency_ != *read)
            fault("Equal", field, fmt::format("must be {}, as {} says", currency_->code(), currency_from_));
        else if (!currency_) {
            currency_ = *read;
            currency_from_ = field;
        }
    }
    void currencies() {
        if (request_.order) currency(request_.order->currency, "order.currency");
        each_line([this](const TicketDetails& line, const std::string& path) {
            currency(line.currency, path + ".currency");
        });
        if (card_ != nullptr) currency(card_->currency, "cardInfo.currency");
        if (final_ != nullptr) currency(final_->currency, "borgun3DFinalInfo.currency");
        if (!currency_ && faults_.empty()) missing("order.currency");
    }

    template <class Visit>
    void each_line(Visit visit) {
        if (!request_.order_details) return;
        for (std::size_t i = 0; i < std::min(request_.order_details->size(), lines_max); ++i)
            visit((*request_.order_details)[i], fmt::format("orderDetails[{}]", i));
    }
    void lines() {
        if (!request_.order_details || request_.order_details->empty()) return missing("orderDetails");
        if (request_.order_details->size() > lines_max)
            fault("Length", "orderDetails", fmt::format("must hold at most {} lines", lines_max));
        each_line([this](const TicketDetails& each, const std::string& path) { line(each, path); });
    }
    void line(const TicketDetails& each, const std::string& path) {
        if (each.count < 1 || each.count > tickets_a_line_max)
            return fault("InclusiveBetween", path + ".count",
                         fmt::format("must be from 1 to {}", tickets_a_line_max));
        tickets_ += static_cast<std::size_t>(each.count);
        if (each.event_series_ticket_type.value_or(0) > 0 &&
            each.event_series_owner_ticket_type.value_or(0) > 0)
            fault("Predicate", path + ".eventSeriesTicketType",
                  "collides with eventSeriesOwnerTicketType: a line has one price");
        if (!currency_) return;
        const auto price = money(each.ticket_price, path + ".ticketPrice");
        if (!price) return;
        const auto sum = *price * each.count;  // both are bounded
        const auto total = money(each.total_price, path + ".totalPrice");
        if (total && says_something(each.total_price) && *total != sum)
            fault("Equal", path + ".totalPrice", "must be ticketPrice times count");
        total_ += sum;
    }
    /// In minor units, 0 to what a payment may be.
    std::optional<std::int64_t> money(const Decimal& amount, const std::string& field) {
        const auto minor = amount.units(currency_->places());
        if (!minor) {
            fault("Predicate", field,
                  fmt::format("must have at most {} decimal places, as {}", currency_->places(),
                              currency_->code()));
            return std::nullopt;
        }
        if (*minor >= 0 && *minor <= payment_minor_max) return minor;
        fault("InclusiveBetween", field, "must not be below 0, nor above what a payment may be");
        return std::nullopt;
    }

    void holders() {
        if (!request_.ticket_holders || !request_.ticket_holders->holder_info_required) return;
        const auto& list = request_.ticket_holders->ticket_holders;
        if (!list || list->size() != tickets_)
            fault("Predicate", "ticketHolders.ticketHolders", "must name one holder for each ticket");
    }

    // ---- ways to pay ----

    void collide(std::string_view one, std::string_view other) {
        fault("Predicate", std::string(one),
              fmt::format("collides with {}: an order is paid in exactly one way", other));
    }
    void ways() {
        const bool saved = request_.payment_card_id.value_or(0) != 0;
        if (card_ != nullptr && final_ != nullptr) collide("cardInfo", "borgun3DFinalInfo");
        if (apple_ != nullptr && final_ != nullptr) collide("applePayInfo", "borgun3DFinalInfo");
        if (saved && card_ != nullptr) collide("paymentCardId", "cardInfo");
        if (saved && final_ != nullptr) collide("paymentCardId", "borgun3DFinalInfo");
        if (saved && apple_ != nullptr) collide("paymentCardId", "applePayInfo");
        if (saved) fault("Predicate", "paymentCardId", "cards are not kept here: pay by cardInfo");
        if (apple_ != nullptr)
            way_ = Way::apple_pay;
        else if (final_ != nullptr)
            way_ = Way::final_charge;
        else if (card_ != nullptr)
            way_ = Way::card;
        if (card_ != nullptr && apple_ == nullptr) card();
        if (final_ != nullptr) final_charge();
        if (apple_ != nullptr) apple_pay();
    }

    void order_id_fits(const std::optional<std::string>& id, std::string field) {
        const auto text = text_of(id);
        if (text.empty()) return;
        const bool fits =
            text.size() == order_id_characters && std::all_of(text.begin(), text.end(), [](char c) {
                return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            });
        if (!fits)
            fault("RegularExpression", std::move(field),
                  fmt::format("must be {} characters of A-Z and 0-9", order_id_characters));
    }

    void card() {
        order_id_fits(card_->order_id, "cardInfo.orderId");
        if (!card_->payment_method) return missing("cardInfo.paymentMethod");
        const auto& method = *card_->payment_method;
        if (same_word(method.payment_type, "Card")) {
            if (!given(method.pan)) missing("cardInfo.paymentMethod.pan");
            if (given(method.token))
                fault("Predicate", "cardInfo.paymentMethod.token", "collides with paymentType Card");
        } else if (is_token(method.payment_type)) {
            if (!given(method.token)) missing("cardInfo.paymentMethod.token");
            if (given(method.pan) || given(method.cvc))
                fault("Predicate",
                      given(method.pan) ? "cardInfo.paymentMethod.pan" : "cardInfo.paymentMethod.cvc",
                      "must be left out where a token pays");
        } else {
            fault("Predicate", "cardInfo.paymentMethod.paymentType",
                  "must be Card, TokenSingle or TokenMulti");
        }
    }

    static bool is_token(const std::optional<std::string>& type) {
        return same_word(type, "TokenSingle") || same_word(type, "TokenMulti");
    }

    void final_charge() {
        order_id_fits(final_->order_id, "borgun3DFinalInfo.orderId");
        if (says_something(final_->transaction_type) && !same_word(final_->transaction_type, "Sale"))
            fault("Predicate", "borgun3DFinalInfo.transactionType", "must be Sale");
        const auto& method = final_->payment_method;
        if (!method || !is_token(method->payment_type))
            fault("Predicate", "borgun3DFinalInfo.paymentMethod.paymentType",
                  "must be TokenSingle or TokenMulti");
        if (!method || !given(method->token)) missing("borgun3DFinalInfo.paymentMethod.token");
        const auto& proof = final_->three_d_secure;
        if (!proof || !same_word(proof->data_type, "Token"))
            fault("Predicate", "borgun3DFinalInfo.threeDSecure.dataType", "must be Token");
        if (!proof || !given(proof->mpi_token)) missing("borgun3DFinalInfo.threeDSecure.mpiToken");
    }

    void apple_pay() {
        order_id_fits(apple_->order_id, "applePayInfo.orderId");
        if (card_ == nullptr)
            missing("cardInfo");
        else
            device_card();
        const auto& proof = apple_->three_d_secure;
        if (!proof || !same_word(proof->data_type, "Manual"))
            fault("Predicate", "applePayInfo.threeDSecure.dataType", "must be Manual");
        if (proof && says_something(proof->security_level_ind) && *proof->security_level_ind != "2")
            fault("Predicate", "applePayInfo.threeDSecure.securityLevelInd", "must be 2: authenticated");
        const bool visa = proof && given(proof->cavv);
        const bool mastercard = proof && given(proof->ucaf);
        if (visa == mastercard)
            fault("Predicate", "applePayInfo.threeDSecure.cavv",
                  "exactly one of cavv and ucaf must be given");
    }
    void device_card() {
        const auto& method = card_->payment_method;
        if (!method || (!given(method->pan) && !given(method->token))) missing("cardInfo.paymentMethod.pan");
        // With its own code, or to be kept, it is a card that pays for itself.
        if (method && given(method->cvc)) collide("cardInfo", "applePayInfo");
        if (card_->save_card_to_token.value_or(false))
            fault("Predicate", "cardInfo.saveCardToToken", "an Apple Pay sheet's card cannot be kept");
    }

    // ---- amounts ----

    void amounts() {
        if (total_ > payment_minor_max)
            return fault("InclusiveBetween", "orderDetails", "add up to more than a payment may be");
        if (total_ == 0 && way_ != Way::nothing)
            return fault("Predicate", std::string(member_of(way_)),
                         "must be left out: the order costs nothing");
        if (total_ > 0 && request_.order->is_free.value_or(false))
            fault("Predicate", "order.isFree", "is true, and orderDetails add up to more than 0");
        if (total_ > 0 && way_ == Way::nothing)
            fault("NotEmpty", "cardInfo",
                  "one of cardInfo, borgun3DFinalInfo and applePayInfo must say how the order is paid");
        if (says_something(request_.order->total_paid_for_ticket))
            compare(*request_.order->total_paid_for_ticket, "order.totalPaidForTicket");
        if (card_ != nullptr) {
            if (!says_something(card_->amount)) return missing("cardInfo.amount");
            compare(*card_->amount, "cardInfo.amount");
        }
        if (final_ != nullptr) final_amount();
    }
    void compare(const Decimal& claimed, std::string field) {
        const auto minor = claimed.units(currency_->places());
        if (!minor || *minor != total_)
            fault("Equal", std::move(field), "must be what orderDetails add up to");
    }
    void final_amount() {
        const auto claimed = providers::borgun::from_wire(final_->amount.value_or(0),
                                                          providers::borgun::number_of(*currency_));
        if (!claimed || claimed->minor != total_)
            fault("Equal", "borgun3DFinalInfo.amount",
                  "must be what orderDetails add up to, with two decimal places and without the point");
    }

    [[nodiscard]] std::string order_id() const {
        switch (way_) {
            case Way::nothing:
                return "";
            case Way::card:
                return std::string(text_of(card_->order_id));
            case Way::final_charge:
                return std::string(text_of(final_->order_id));
            case Way::apple_pay:
                return std::string(
                    text_of(says_something(apple_->order_id) ? apple_->order_id : card_->order_id));
        }
        return "";
    }

    const TicketOrder& request_;
    const CardInfo* card_;
    const BorgunFinal* final_;
    const ApplePayInfo* apple_;
    Faults faults_;
    std::optional<Currency> currency_;
    std::string currency_from_;
    Way way_ = Way::nothing;
    std::int64_t total_ = 0;  // 50 lines of at most 100 times 10^12: far from the end of 64 bits
    std::size_t tickets_ = 0;
};

}  // namespace

std::string_view member_of(Way way) {
    switch (way) {
        case Way::nothing:
            return "";
        case Way::card:
            return "cardInfo";
        case Way::final_charge:
            return "borgun3DFinalInfo";
        case Way::apple_pay:
            return "applePayInfo";
    }
    return "";
}

Outcome<Checked> check(const TicketOrder& request) {
    return Checker(request).run();
}

}  // namespace kassi::api::ticket_order
