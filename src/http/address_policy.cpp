#include "http/address_policy.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace kassi::http {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

struct Block4 {
    std::uint32_t first;
    unsigned bits;
};

// IANA IPv4 Special-Purpose Address Registry, and multicast (224/4) with what follows it.
constexpr Block4 reserved_v4[] = {
    {0x00000000, 8},   // this network
    {0x0A000000, 8},   // private
    {0x64400000, 10},  // shared (carrier NAT)
    {0x7F000000, 8},   // loopback
    {0xA9FE0000, 16},  // link-local, cloud metadata
    {0xAC100000, 12},  // private
    {0xC0000000, 24},  // IETF protocols
    {0xC0000200, 24},  // documentation
    {0xC0586300, 24},  // 6to4 relay, deprecated
    {0xC0A80000, 16},  // private
    {0xC6120000, 15},  // benchmarks
    {0xC6336400, 24},  // documentation
    {0xCB007100, 24},  // documentation
    {0xE0000000, 4},   // multicast
    {0xF0000000, 4},   // reserved, broadcast
};

bool is_public_v4(const address_v4& candidate) {
    const std::uint32_t bits = candidate.to_uint();
    return std::none_of(std::begin(reserved_v4), std::end(reserved_v4), [bits](const Block4& block) {
        return (bits >> (32 - block.bits)) == (block.first >> (32 - block.bits));
    });
}

address_v4 v4_at(const address_v6::bytes_type& bytes, std::size_t at) {
    return address_v4{{bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]}};
}

bool is_public_v6(const address_v6& candidate) {
    const auto bytes = candidate.to_bytes();
    const auto word = [&bytes](std::size_t index) {
        return static_cast<unsigned>(bytes[2 * index] << 8 | bytes[2 * index + 1]);
    };
    if (candidate.is_v4_mapped()) return is_public_v4(v4_at(bytes, 12));
    // 64:ff9b::/96: a NAT64 gateway turns it into the IPv4 address at its end (RFC 6052).
    if (word(0) == 0x0064 && word(1) == 0xFF9B &&
        std::all_of(bytes.begin() + 4, bytes.begin() + 12, [](unsigned char byte) { return byte == 0; })) {
        return is_public_v4(v4_at(bytes, 12));
    }
    if ((bytes[0] & 0xE0) != 0x20) return false;                  // only 2000::/3 is global unicast
    if (word(0) == 0x2001 && word(1) < 0x0200) return false;      // 2001::/23 IETF protocols, Teredo
    if (word(0) == 0x2001 && word(1) == 0x0DB8) return false;     // documentation
    if (word(0) == 0x3FFF && word(1) < 0x1000) return false;      // documentation (RFC 9637)
    if (word(0) == 0x2002) return is_public_v4(v4_at(bytes, 2));  // 6to4
    return true;
}

}  // namespace

bool is_loopback_address(const address& candidate) {
    if (candidate.is_v4()) return candidate.to_v4().is_loopback();
    const auto v6 = candidate.to_v6();
    if (v6.is_v4_mapped()) return v4_at(v6.to_bytes(), 12).is_loopback();
    return v6.is_loopback();
}

bool is_public_address(const address& candidate) {
    return candidate.is_v4() ? is_public_v4(candidate.to_v4()) : is_public_v6(candidate.to_v6());
}

}  // namespace kassi::http
