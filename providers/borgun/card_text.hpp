#pragma once

#include <string>

#include "base/secret.hpp"
#include "providers/credentials/card.hpp"

/// A card as the gateway's JSON has it. Put together by hand, into a text that has room for it: a writer that
/// grows leaves copies of the number and the code behind.
namespace kassi::providers::borgun {

/// "PAN":"...","ExpMonth":"09","ExpYear":"2030"
void add_card(std::string& body, const Secret<>& number, const card::Month& expiry);
/// ,"CVC":"..." with its comma; nothing where there is none.
void add_cvc(std::string& body, const Secret<>& cvc);

}  // namespace kassi::providers::borgun
