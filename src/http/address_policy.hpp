#pragma once

#include <boost/asio/ip/address.hpp>

namespace kassi::http {

/// 127.0.0.0/8 and ::1, also as IPv4 inside IPv6.
bool is_loopback_address(const boost::asio::ip::address& address);

/// False for everything that the IANA special-purpose registries keep from the public internet:
/// private, loopback, link-local, multicast, shared, documentation, reserved; and for IPv6 forms that
/// carry such an IPv4 address (mapped, NAT64, 6to4) or hide one (Teredo).
bool is_public_address(const boost::asio::ip::address& address);

}  // namespace kassi::http
