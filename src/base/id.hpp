#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace kassi {

using IdBytes = std::array<std::uint8_t, 16>;

/// "0191e0a2-....": lower-case UUID text.
std::string uuid_text(const IdBytes& bytes);
/// 36 characters with dashes, any case. Error: bad_request naming `field`.
Result<IdBytes> parse_uuid(std::string_view text, std::string_view field);
/// UUID version 7 (RFC 9562): 48 bits of milliseconds, the last 40 of them again (34 years), 34 random bits.
/// What is made of its last bits only, the reference of a transaction, rises with time then, too, and its
/// index grows at its end instead of everywhere. Known ids are no secret, and no key to anything.
IdBytes uuid7(Instant now, Randomness& randomness);

template <class Tag>
struct StrongId {
    IdBytes bytes{};
    auto operator<=>(const StrongId&) const = default;
    [[nodiscard]] std::string text() const { return uuid_text(bytes); }
    [[nodiscard]] bool empty() const { return bytes == IdBytes{}; }
    static Result<StrongId> parse(std::string_view text, std::string_view field) {
        auto parsed = parse_uuid(text, field);
        if (!parsed) return parsed.error();
        return StrongId{*parsed};
    }
    static StrongId make(Instant now, Randomness& randomness) { return StrongId{uuid7(now, randomness)}; }
};

using TransactionId = StrongId<struct TransactionTag>;

struct IdHash {
    template <class Tag>
    std::size_t operator()(const StrongId<Tag>& id) const noexcept {
        std::size_t value = 0;
        for (int i = 8; i < 16; ++i) value = value * 256 + id.bytes[static_cast<std::size_t>(i)];
        return value;
    }
};

}  // namespace kassi
