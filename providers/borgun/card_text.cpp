#include "providers/borgun/card_text.hpp"

namespace kassi::providers::borgun {
namespace {

std::string two_digits(int number) {
    return {static_cast<char>('0' + number / 10 % 10), static_cast<char>('0' + number % 10)};
}

}  // namespace

void add_card(std::string& body, const Secret<>& number, const card::Month& expiry) {
    body += R"("PAN":")";
    body += number.reveal();
    body += R"(","ExpMonth":")";
    body += two_digits(expiry.month);
    body += R"(","ExpYear":")";
    body += std::to_string(expiry.year);
    body += '"';
}

void add_cvc(std::string& body, const Secret<>& cvc) {
    if (cvc.empty()) return;
    body += R"(,"CVC":")";
    body += cvc.reveal();
    body += '"';
}

}  // namespace kassi::providers::borgun
