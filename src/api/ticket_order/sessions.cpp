#include "api/ticket_order/sessions.hpp"

#include <array>
#include <utility>
#include <vector>

#include "base/crypto.hpp"

namespace kassi::api::ticket_order {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t token_bytes_max = 128;

Secret<> random_key(Randomness& randomness) {
    std::array<std::uint8_t, key_bytes> bytes{};
    randomness.fill(bytes);
    Secret<> key(std::string(bytes.begin(), bytes.end()));
    wipe(bytes.data(), bytes.size());
    return key;
}

}  // namespace

Sessions::Sessions(Randomness& randomness, std::size_t max, std::size_t per_caller_max)
    : randomness_(randomness), max_(max), per_caller_max_(per_caller_max), key_(random_key(randomness)) {}

std::string Sessions::proof_of(std::string_view token) const {
    return crypto::to_bytes(crypto::hmac_sha256(key_.reveal(), token));
}

std::string Sessions::begin(std::string caller, Millis life, Instant now) {
    if (sessions_.size() >= max_) forget_over(now);
    make_room(caller);
    auto token = crypto::mint_token(randomness_);
    auto proof = proof_of(token);
    ++of_caller_[caller];
    by_age_.emplace(next_, proof);
    sessions_.emplace(std::move(proof), Session{std::move(caller), now + life, next_});
    ++next_;
    return token;
}

std::optional<std::string> Sessions::caller_of(std::string_view token, Instant now) const {
    if (token.empty() || token.size() > token_bytes_max) return std::nullopt;
    const auto found = sessions_.find(proof_of(token));
    if (found == sessions_.end() || found->second.until <= now) return std::nullopt;
    return found->second.caller;
}

void Sessions::end(std::string_view token) {
    if (token.empty() || token.size() > token_bytes_max) return;
    erase(proof_of(token));
}

void Sessions::erase(const std::string& proof) {
    const auto found = sessions_.find(proof);
    if (found == sessions_.end()) return;
    by_age_.erase(found->second.number);
    const auto count = of_caller_.find(found->second.caller);
    if (--count->second == 0) of_caller_.erase(count);
    sessions_.erase(found);
}

void Sessions::forget_over(Instant now) {
    std::vector<std::string> over;
    for (const auto& [proof, session] : sessions_)
        if (session.until <= now) over.push_back(proof);
    for (const auto& proof : over) erase(proof);
}

void Sessions::make_room(const std::string& caller) {
    if (sessions_.size() >= max_) erase(std::string(by_age_.begin()->second));
    const auto count = of_caller_.find(caller);
    if (count == of_caller_.end() || count->second < per_caller_max_) return;
    for (const auto& [number, proof] : by_age_)
        if (sessions_.find(proof)->second.caller == caller) return erase(std::string(proof));
}

}  // namespace kassi::api::ticket_order
