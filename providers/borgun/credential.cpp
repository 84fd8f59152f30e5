#include "providers/borgun/credential.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/borgun/borgun.hpp"
#include "providers/borgun/order_id.hpp"
#include "providers/credentials/wallet.hpp"
#include "providers/reading.hpp"

namespace kassi::providers::borgun {
namespace {

constexpr std::string_view single_prefix = "ts_", multi_prefix = "tm_";
constexpr std::size_t token_characters_min = 8, token_characters_max = 64;
constexpr std::size_t mpi_token_bytes_max = 200;
constexpr std::size_t final_bytes_max = 4096;
constexpr std::string_view final_members[] = {"token",    "mpiToken", "amount",
                                              "currency", "orderId",  "transactionType"};

bool is_visible(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

Error wrong_final(std::string_view member, std::string why) {
    return bad_request(std::string(final_kind) + (member.empty() ? "" : ".") + std::string(member),
                       std::move(why));
}

/// Every member once, nothing else, and text but for the amount.
std::optional<Error> check_members(const nlohmann::json& object) {
    for (const auto& [name, value] : object.items()) {
        if (std::find(std::begin(final_members), std::end(final_members), name) == std::end(final_members))
            return wrong_final("", "has a member that is not known");
        if (name != "amount" && !value.is_string()) return wrong_final(name, "is not a text");
    }
    for (const auto member : final_members)
        if (!object.contains(member)) return wrong_final(member, "is missing");
    return std::nullopt;
}

Result<core::Admission> admit_card(const core::Credential& credential, const Account& account, Instant now) {
    const auto read = card::read(credential.value, account.card_rules, now);
    if (!read) return read.error();
    if (read->faults.empty()) return core::Admission{};
    return card::error_of(read->faults.front());
}

Result<core::Admission> admit_token(const std::string& value) {
    const std::string field(token_field);
    if (value.empty()) return bad_request(field, "is missing");
    const auto token = token_of({std::string(token_kind), value});
    if (token.empty())
        return bad_request(field, "is no token of Borgun: ts_... or tm_..., of " +
                                      std::to_string(token_characters_min) + " to " +
                                      std::to_string(token_characters_max) +
                                      " letters, digits, '-' and '_' after that");
    return core::Admission{.key = is_single(token) ? token : std::string()};
}

}  // namespace

bool is_token(std::string_view text) {
    if (!text.starts_with(single_prefix) && !text.starts_with(multi_prefix)) return false;
    text.remove_prefix(single_prefix.size());
    return text.size() >= token_characters_min && text.size() <= token_characters_max &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '-' || c == '_';
           });
}

bool is_single(std::string_view token) {
    return token.starts_with(single_prefix);
}

std::string token_of(const core::Credential& credential) {
    std::string token = credential.value;
    if (credential.kind == final_kind) {
        const auto said = read_final(credential.value);
        return said ? said->token : std::string();
    }
    if (credential.kind != token_kind) return {};
    if (const auto object = object_of(credential.value); object && object->size() == 1)
        token = text_of(*object, "token");
    return is_token(token) ? token : std::string();
}

Result<Final> read_final(const std::string& value) {
    if (value.size() > final_bytes_max) return wrong_final("", "is too long");
    const auto object = object_of(value);
    if (!object) return wrong_final("", "is no JSON object");
    if (auto wrong = check_members(*object)) return *wrong;
    Final final;
    final.token = text_of(*object, "token");
    if (!is_token(final.token)) return wrong_final("token", "is no token of Borgun: ts_... or tm_...");
    final.mpi_token = text_of(*object, "mpiToken");
    if (!is_visible(final.mpi_token) || final.mpi_token.size() > mpi_token_bytes_max)
        return wrong_final("mpiToken", "is no MPI token");
    const auto amount = integer_of(*object, "amount");
    if (!amount || *amount <= 0) return wrong_final("amount", "is no whole number above 0");
    final.amount = *amount;
    final.currency = text_of(*object, "currency");
    if (!currency_of_number(final.currency))
        return wrong_final("currency", "is no number of a currency that the gateway knows, such as 352");
    final.order = text_of(*object, "orderId");
    const auto type = text_of(*object, "transactionType");
    if (type != "Sale" && type != "PreAuthorization")
        return wrong_final("transactionType", "is neither Sale nor PreAuthorization");
    return final;
}

std::optional<Error> compare(const Final& said, const core::Transaction& transaction, const Money& amount) {
    if (said.currency != number_of(amount.currency))
        return wrong_final("currency", "is not that of the purchase, " + number_of(amount.currency));
    if (said.amount != to_wire(amount))
        return wrong_final("amount", "is not that of the purchase, " + std::to_string(to_wire(amount)));
    if (!names_the_transaction(transaction, said.order))
        return wrong_final("orderId", "is of another purchase");
    return std::nullopt;
}

Result<core::Admission> admit(const core::Credential& credential, const Account& account,
                              const Merchant& merchant, Instant now) {
    if (account.takes_cards && credential.kind == card::credential_kind)
        return admit_card(credential, account, now);
    if (account.takes_tokens && credential.kind == token_kind) return admit_token(credential.value);
    if (account.takes_tokens && credential.kind == final_kind) {
        const auto said = read_final(credential.value);
        if (!said) return said.error();
        return core::Admission{.key = said->mpi_token};
    }
    if (wallet::is_ours(credential) &&
        (account.takes_network_tokens || credential.kind != network_token::credential_kind))
        return wallet::admit(credential, merchant, now);
    return bad_request(credential.kind, "is nothing that " + merchant.name + " takes");
}

}  // namespace kassi::providers::borgun
