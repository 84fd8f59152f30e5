#include "base/id.hpp"

#include <span>

namespace kassi {
namespace {

constexpr std::size_t uuid_characters = 36;

constexpr bool dash_before(std::size_t byte) {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

}  // namespace

std::string uuid_text(const IdBytes& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text(uuid_characters, '-');
    std::size_t at = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (dash_before(i)) ++at;
        text[at++] = digits[bytes[i] >> 4];
        text[at++] = digits[bytes[i] & 15];
    }
    return text;
}

Result<IdBytes> parse_uuid(std::string_view text, std::string_view field) {
    const auto refuse = [&] { return bad_request(std::string(field), "is not a UUID"); };
    if (text.size() != uuid_characters) return refuse();
    const auto nibble = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    IdBytes bytes{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (dash_before(i) && text[at++] != '-') return refuse();
        const int high = nibble(text[at++]);
        const int low = nibble(text[at++]);
        if (high < 0 || low < 0) return refuse();
        bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return bytes;
}

IdBytes uuid7(Instant now, Randomness& randomness) {
    const auto millis = now.time_since_epoch().count();
    KASSI_ENSURE(millis >= 0 && millis < (std::int64_t{1} << 48));
    IdBytes bytes{};
    randomness.fill(std::span(bytes).subspan(6));
    for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
    // The time again in the first 40 of the 74 bits that are ours (RFC 9562 section 6.2, method 3 has more
    // of the time there, too).
    const auto bits = [millis](unsigned shift, unsigned mask) {
        return static_cast<std::uint8_t>(static_cast<std::uint64_t>(millis) >> shift & mask);
    };
    bytes[6] = static_cast<std::uint8_t>(0x70 | bits(36, 0x0f));  // version 7
    bytes[7] = bits(28, 0xff);
    bytes[8] = static_cast<std::uint8_t>(0x80 | bits(22, 0x3f));  // variant of RFC 9562
    bytes[9] = bits(14, 0xff);
    bytes[10] = bits(6, 0xff);
    bytes[11] = static_cast<std::uint8_t>(bits(0, 0x3f) << 2 | (bytes[11] & 0x03));
    return bytes;
}

}  // namespace kassi
