#include <array>

#include "base/crypto.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/borgun_pages.hpp"
#include "sandbox/simulators/borgun_state.hpp"

/// SecurePay, Borgun's hosted page.
namespace kassi::sandbox {

using borgun::Hosted;
using borgun::PageStatus;
using borgun::pages::Framing;

namespace {

constexpr auto unframed = Framing::nowhere;
constexpr std::size_t order_id_bytes_max = 12;
constexpr std::size_t field_bytes_max = 2'000;
constexpr std::size_t items_max = 50;
/// What a person at this page pays with.
constexpr std::string_view page_card = "558740******2011";

std::string field_of(const Fields& fields, std::string_view name) {
    for (const auto& [each, value] : fields)
        if (borgun::same_word(each, name)) return value;
    return "";
}

bool is_order_id(std::string_view text) {
    return !text.empty() && text.size() <= order_id_bytes_max &&
           text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") ==
               std::string_view::npos;
}

std::string keyed(std::string_view secret, const std::string& text) {
    return encoding::hex(crypto::to_bytes(crypto::hmac_sha256(secret, text)));
}

/// itemamount_N of all lines, as far as there are any.
Result<std::int64_t> sum_of_items(const Fields& fields, int places) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < items_max; ++i) {
        const std::string name = "itemamount_" + std::to_string(i);
        const std::string text = field_of(fields, name);
        if (text.empty()) break;
        const auto amount = minor_from_decimal(text, places, name);
        if (!amount) return amount.error();
        sum += *amount;
    }
    return sum;
}

HttpResponse form_answer(const Fields& fields) {
    return {200,
            {{"Content-Type", "application/x-www-form-urlencoded"}, {"Cache-Control", "no-store"}},
            encoding::form(fields)};
}

}  // namespace

HttpResponse BorgunHouse::State::securepay(const HttpRequest& request, const std::string& door) {
    if (request.method != "POST" && request.method != "GET")
        return borgun::pages::say(405, "Not understood", "GET or POST.", nonce(), unframed);
    const auto fields = request_fields(request, false);
    if (!fields)
        return borgun::pages::say(400, "Not understood", "The form is malformed.", nonce(), unframed);
    if (door == "default.aspx") return securepay_open(*fields);
    if (request.method == "POST") {
        if (door == "ticket.aspx") return securepay_ticket(*fields);
        if (door == "refund.aspx") return securepay_refund(*fields);
        if (door == "act") return securepay_act(*fields);
    }
    return borgun::pages::say(404, "Nothing lives here", "There is no such page.", nonce(), unframed);
}

// ---- a payment -----------------------------------------------------------------------------------------

std::optional<std::size_t> BorgunHouse::State::securepay_merchant(const Fields& fields) const {
    const std::string id = field_of(fields, "merchantid");
    const std::string gateway = field_of(fields, "paymentgatewayid");
    for (std::size_t i = 0; i < options.merchants.size(); ++i) {
        const auto& merchant = options.merchants[i];
        if (!merchant.securepay_id.empty() && merchant.securepay_id == id &&
            merchant.securepay_gateway == gateway)
            return i;
    }
    return std::nullopt;
}

Result<Hosted> BorgunHouse::State::read_hosted(Fields fields) const {
    const auto of = [&](std::string_view name) { return field_of(fields, name); };
    for (const auto& [name, value] : fields)
        if (value.size() > field_bytes_max) return bad_request(name, "is longer than 2000 bytes");
    const auto merchant = securepay_merchant(fields);
    if (!merchant) return bad_request("merchantid", "and paymentgatewayid are those of nobody");
    const std::string text = of("merchantid") + "|" + of("returnurlsuccess") + "|" +
                             of("returnurlsuccessserver") + "|" + of("orderid") + "|" + of("amount") + "|" +
                             of("currency");
    if (!crypto::equal(keyed(options.merchants[*merchant].securepay_secret, text), of("checkhash")))
        return bad_request("checkhash", "is not that of these fields");
    Hosted payment;
    payment.merchant = *merchant;
    payment.order_id = of("orderid");
    if (!is_order_id(payment.order_id))
        return bad_request("orderid", "is not 1 to 12 letters, digits or dashes");
    const auto* currency = borgun::currency_of_code(of("currency"));
    const auto& allowed = options.merchants[*merchant].currencies;
    if (currency == nullptr ||
        (!allowed.empty() && std::find(allowed.begin(), allowed.end(), currency->code) == allowed.end()))
        return bad_request("currency", "is none that the contract has");
    payment.currency = currency->code;
    const auto amount = minor_from_decimal(of("amount"), currency->places, "amount");
    if (!amount) return amount.error();
    if (*amount == 0) return bad_request("amount", "is nothing");
    payment.amount = *amount;
    for (const char* name :
         {"returnurlsuccess", "returnurlsuccessserver", "returnurlcancel", "returnurlerror"})
        if (!of(name).empty())
            if (const auto url = parse_url(of(name), name); !url) return url.error();
    if (of("returnurlsuccess").empty()) return bad_request("returnurlsuccess", "is missing");
    const auto sum = sum_of_items(fields, currency->places);
    if (!sum) return sum.error();
    if (*sum != 0 && *sum != payment.amount) return bad_request("amount", "is not the sum of the items");
    std::erase_if(fields, [](const auto& each) { return borgun::same_word(each.first, "checkhash"); });
    for (auto& [name, value] : fields) name = borgun::lower(name);
    payment.fields = std::move(fields);
    return payment;
}

Result<Hosted*> BorgunHouse::State::hosted_of(Fields fields) {
    auto payment = read_hosted(std::move(fields));
    if (!payment) return payment.error();
    const auto known = hosted_by_fields.find(key_of_fields(*payment));
    if (known != hosted_by_fields.end()) return hosted.find(known->second);
    if (is_full()) return Error{ErrorKind::unavailable, "", "There are too many payments here."};
    payment->id = fresh_id("sp_");
    Hosted& kept = hosted.put(std::move(*payment));
    keep_index(kept);
    return &kept;
}

std::string BorgunHouse::State::key_of_fields(const Hosted& payment) const {
    return encoding::hex(crypto::to_bytes(
        crypto::sha256(std::to_string(payment.merchant) + "\n" + encoding::form(payment.fields))));
}

void BorgunHouse::State::keep_index(const Hosted& payment) {
    hosted_by_fields[key_of_fields(payment)] = payment.id;
    if (!payment.refund_id.empty()) hosted_by_refund_id[{payment.merchant, payment.refund_id}] = payment.id;
}

// ---- the page ------------------------------------------------------------------------------------------

HttpResponse BorgunHouse::State::securepay_open(const Fields& fields) {
    const std::string ticket = field_of(fields, "ticket");
    if (!ticket.empty()) {
        const Hosted* payment = hosted.find(ticket);
        if (payment != nullptr) return securepay_page(*payment);
        return borgun::pages::say(404, "Unknown payment", "There is no payment of this ticket.", nonce(),
                                  unframed);
    }
    const auto payment = hosted_of(fields);
    if (payment) return securepay_page(**payment);
    return borgun::pages::say(payment.error().kind == ErrorKind::unavailable ? 503 : 400, "Payment refused",
                              payment.error().field + " " + payment.error().message, nonce(), unframed);
}

HttpResponse BorgunHouse::State::securepay_page(const Hosted& payment) {
    if (payment.status != PageStatus::open) return securepay_end(payment, false);
    borgun::pages::Choice choice;
    choice.above = "SecurePay";
    choice.heading = "Pay to " + options.merchants[payment.merchant].name;
    choice.amount = payment.field("amount") + " " + payment.currency;
    choice.lines = {{"Order", payment.order_id}, {"Card", std::string(page_card)}};
    for (std::size_t i = 0; i < items_max; ++i) {
        const std::string number = std::to_string(i);
        const std::string name = payment.field("itemdescription_" + number);
        if (name.empty()) break;
        choice.lines.emplace_back(name, payment.field("itemamount_" + number));
    }
    choice.action = "/borgun/securepay/act";
    choice.hidden = {{"ticket", payment.id}};
    choice.buttons = {{"pay", "pay", "Pay", "with this card"},
                      {"refuse", "no", "Refuse", "the bank declines the card"},
                      {"cancel", "no", "Cancel", "and return to the shop unpaid"}};
    choice.others = {{"pay_stay", "", "Pay and walk away", "paid, but the browser never returns"},
                     {"leave", "", "Walk away", "nothing is paid, nobody returns"}};
    return borgun::pages::choose(choice, nonce(), unframed);
}

HttpResponse BorgunHouse::State::securepay_act(const Fields& fields) {
    Hosted* payment = hosted.find(field_of(fields, "ticket"));
    if (payment == nullptr)
        return borgun::pages::say(404, "Unknown payment", "There is no such payment here.", nonce(),
                                  unframed);
    const std::string act = field_of(fields, "act");
    // What was decided stays, whatever is pressed now.
    if (payment->status != PageStatus::open) return securepay_end(*payment, false);
    if (act == "leave")
        return borgun::pages::say(200, "You walked away", "Nothing was paid. You can close this window.",
                                  nonce(), unframed);
    if (act == "pay" || act == "pay_stay") return securepay_pay(*payment, act == "pay_stay");
    if (act != "refuse" && act != "cancel")
        return borgun::pages::say(400, "Not understood", "There is no such button.", nonce(), unframed);
    payment->status = act == "cancel" ? PageStatus::cancelled : PageStatus::refused;
    hosted.touch(payment->id);
    return securepay_end(*payment, true);
}

HttpResponse BorgunHouse::State::securepay_pay(Hosted& payment, bool stays) {
    payment.status = PageStatus::paid;
    payment.refund_id = fresh_id("RF-");
    payment.auth_code = fresh_digits(6);
    hosted.touch(payment.id);
    keep_index(payment);
    ledger.push_back({clock.now(), options.merchants[payment.merchant].name, payment.id, payment.order_id,
                      "taken", payment.amount, payment.currency});
    if (const auto url = payment.field("returnurlsuccessserver"); !url.empty())
        news.push_back(
            {payment.merchant, false, url, encoding::form(securepay_fields(payment, "Payment")), 0});
    if (stays)
        return borgun::pages::say(200, "Paid", "The money was taken, and the shop does not see you again.",
                                  nonce(), unframed);
    return securepay_end(payment, payment.field("skipreceiptpage") == "1");
}

HttpResponse BorgunHouse::State::securepay_end(const Hosted& payment, bool at_once) {
    const Fields fields = securepay_fields(payment, "Confirmation");
    const auto go = [&](std::string_view heading, std::string_view text, std::string_view name) {
        std::string url = payment.field(name);
        if (url.empty())
            return borgun::pages::say(200, heading, "The shop named no address to return to.", nonce(),
                                      unframed);
        return borgun::pages::post_to(heading, text, url, fields, at_once, nonce(), unframed);
    };
    switch (payment.status) {
        case PageStatus::paid:
            return go("Paid", "This payment was made. This is your receipt.", "returnurlsuccess");
        case PageStatus::cancelled:
            return go("Cancelled", "Nothing was paid.", "returnurlcancel");
        case PageStatus::refused:
            return go("Refused", "Your bank declined the card. Nothing was paid.", "returnurlerror");
        case PageStatus::open:
            break;
    }
    return securepay_page(payment);
}

/// Only a payment is signed: orderhash does not say what became of the order.
Fields BorgunHouse::State::securepay_fields(const Hosted& payment, std::string_view step) const {
    const bool paid = payment.status == PageStatus::paid;
    const bool cancelled = payment.status == PageStatus::cancelled;
    const std::string amount = payment.field("amount"), currency = payment.field("currency");
    const std::string status = paid ? "OK" : cancelled ? "CANCEL" : "ERROR";
    const bool low = options.merchants[payment.merchant].securepay_lower_case;
    Fields fields{{"status", low ? borgun::lower(status) : status},
                  {"step", std::string(step)},
                  {"orderid", payment.order_id},
                  {"reference", payment.field("reference")}};
    const auto add = [&](std::string_view name, std::string value) {
        fields.emplace_back(name, std::move(value));
    };
    if (paid)
        add("orderhash", keyed(options.merchants[payment.merchant].securepay_secret,
                               payment.order_id + "|" + amount + "|" + currency));
    add("amount", amount);
    add("currency", currency);
    if (paid) {
        add("authorizationcode", payment.auth_code);
        add("creditcardnumber", std::string(page_card));
        add("cardtype", "MasterCard");
        add("refundid", payment.refund_id);
    }
    add("buyername", payment.field("buyername"));
    add("buyeremail", payment.field("buyeremail"));
    if (payment.status == PageStatus::refused) {
        add("errorcode", "121");
        add("errordescription", "The card was declined");
    }
    return fields;
}

// ---- server to server ----------------------------------------------------------------------------------

HttpResponse BorgunHouse::State::securepay_ticket(const Fields& fields) {
    const auto payment = hosted_of(fields);
    if (payment) return form_answer({{"ret", "True"}, {"ticket", (*payment)->id}});
    return form_answer(
        {{"ret", "False"}, {"message", payment.error().field + " " + payment.error().message}});
}

HttpResponse BorgunHouse::State::securepay_refund(const Fields& fields) {
    const auto refuse = [](std::string code, std::string message) {
        return form_answer(
            {{"ret", "False"}, {"action_code", std::move(code)}, {"message", std::move(message)}});
    };
    const auto merchant = securepay_merchant(fields);
    if (!merchant) return refuse("916", "MerchantId and PaymentGatewayId are those of nobody");
    const std::string id = field_of(fields, "refundid");
    const std::string text = field_of(fields, "merchantid") + "|" + id;
    if (!crypto::equal(keyed(options.merchants[*merchant].securepay_secret, text),
                       field_of(fields, "checkhash")))
        return refuse("904", "Checkhash is not that of MerchantId and RefundId");
    const auto known = hosted_by_refund_id.find({*merchant, id});
    if (known == hosted_by_refund_id.end()) return refuse("914", "RefundId is not known");
    Hosted& payment = *hosted.find(known->second);
    const auto* currency = borgun::currency_of_code(payment.currency);
    const auto amount = minor_from_decimal(field_of(fields, "amount"), currency->places, "amount");
    if (!amount || *amount == 0 || *amount > payment.amount - payment.refunded)
        return refuse("110", "Amount is not between 0 and what is left of the payment");
    if (const auto code = borgun::code_of_amount(payment.amount, *currency, borgun::Call::refund))
        return refuse(*code, "Refused");
    payment.refunded += *amount;
    hosted.touch(payment.id);
    ledger.push_back({clock.now(), options.merchants[*merchant].name, payment.id, payment.order_id,
                      "given_back", *amount, payment.currency});
    return form_answer({{"ret", "True"}, {"action_code", "000"}, {"message", "Approved"}});
}

}  // namespace kassi::sandbox
