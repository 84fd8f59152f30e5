#pragma once

#include <optional>

#include "base/clock.hpp"
#include "providers/credentials/apple_pay.hpp"
#include "providers/credentials/apple_pay_form.hpp"
#include "providers/credentials/apple_pay_openssl.hpp"

/// Who signed a token, and when. Section 4.1 of the reference.
namespace kassi::providers::apple_pay {

/// The step that failed, from Check::signature_form to Check::age; nullopt when all hold. `signed_at` is set
/// then. `root` is the one certificate that is trusted.
std::optional<Check> check_signature(const Form& form, X509* root, Instant at, Instant& signed_at);

}  // namespace kassi::providers::apple_pay
