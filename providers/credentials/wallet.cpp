#include "providers/credentials/wallet.hpp"

#include <fmt/format.h>

#include "providers/credentials/apple_pay.hpp"

namespace kassi::providers::wallet {
namespace {

const apple_pay::Verifier* verifier_of(const Merchant& merchant) {
    return merchant.apple_pay == nullptr ? nullptr : merchant.apple_pay->verifier.get();
}

Error wrong_token(std::string why) {
    return bad_request(std::string(apple_pay::credential_kind), std::move(why));
}

Error not_taken(std::string_view kind, const Merchant& merchant) {
    return bad_request(std::string(kind), "is nothing that " + merchant.name + " takes");
}

/// Browsers put Base64 of the bytes into the request, and whether Apple hashes the text or the bytes is not
/// certain (reference/applepay.md section 3): either names the transaction and nothing else.
bool names(const std::string& hash, const core::Transaction& transaction) {
    const auto text = transaction.id.text();
    return hash == apple_pay::application_data_hash(text) ||
           hash == apple_pay::application_data_hash(apple_pay::application_data(text));
}

}  // namespace

void add_kinds(core::Facts& facts, const Merchant& merchant, bool opened_tokens) {
    // Sealed as it came, a token is not card data: only what is made of it must stay in memory.
    if (verifier_of(merchant) != nullptr) facts.credentials.emplace_back(apple_pay::credential_kind);
    if (!opened_tokens) return;
    const std::string opened(network_token::credential_kind);
    facts.credentials.push_back(opened);
    facts.volatile_credentials.push_back(opened);
    facts.pays_from_memory.push_back(opened);
}

bool is_ours(const core::Credential& credential) {
    return credential.kind == apple_pay::credential_kind || credential.kind == network_token::credential_kind;
}

Result<core::Admission> admit(const core::Credential& credential, const Merchant& merchant, Instant now) {
    if (credential.kind == network_token::credential_kind) {
        const auto read = network_token::read(credential.value, now);
        if (!read) return read.error();
        return core::Admission{read->cryptogram.reveal(), true};
    }
    const auto* verifier = verifier_of(merchant);
    if (verifier == nullptr) return not_taken(credential.kind, merchant);
    const auto opened = verifier->verify(credential.value, now);
    if (!opened) return opened.error();
    return core::Admission{opened->transaction_id, true};
}

std::optional<Error> misfit(const core::Credential& credential, const core::Transaction& transaction,
                            const core::Leg& leg, const Merchant& merchant) {
    if (credential.kind != apple_pay::credential_kind) return std::nullopt;
    const auto* verifier = verifier_of(merchant);
    if (verifier == nullptr) return not_taken(credential.kind, merchant);
    const auto opened = verifier->open(credential.value);
    if (!opened) return opened.error();
    if (opened->amount.currency != leg.amount.currency)
        return wrong_token(
            fmt::format("is not in the currency of the payment, {}", leg.amount.currency.code()));
    if (opened->amount != leg.amount)
        return wrong_token("is not for the amount of the payment, " + money_for_people(leg.amount));
    if (opened->application_data_hash.empty() && !merchant.apple_pay->wants_application_data)
        return std::nullopt;
    if (opened->application_data_hash.empty())
        return wrong_token("names no transaction: put Base64 of the transaction's id into applicationData");
    if (!names(opened->application_data_hash, transaction)) return wrong_token("is of another transaction");
    return std::nullopt;
}

Result<network_token::NetworkToken> card_of(const core::Credential& credential, const Merchant& merchant,
                                            Instant now) {
    if (credential.kind == network_token::credential_kind) return network_token::read(credential.value, now);
    const auto* verifier = verifier_of(merchant);
    if (verifier == nullptr) return not_taken(credential.kind, merchant);
    auto opened = verifier->open(credential.value);
    if (!opened) return opened.error();
    return std::move(opened->card);
}

std::optional<core::Credential> brought(const Fields& fields) {
    std::string token;
    for (const auto& [name, value] : fields) {
        if (name != token_field || token == value || value.empty()) continue;
        token += (token.empty() ? "" : " ") + value;
    }
    if (token.empty()) return std::nullopt;
    return core::Credential{std::string(apple_pay::credential_kind), std::move(token)};
}

}  // namespace kassi::providers::wallet
