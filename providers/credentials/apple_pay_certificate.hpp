#pragma once

#include <string>
#include <string_view>

namespace kassi::providers::apple_pay {

/// The merchant identifier that a certificate of Apple's names as its subject's UID; "" when it is no
/// certificate in PEM, or names none.
std::string merchant_identifier_of(std::string_view certificate_pem);

}  // namespace kassi::providers::apple_pay
