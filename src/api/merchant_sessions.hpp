#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "providers/credentials/apple_pay.hpp"

/// Merchant sessions of Apple Pay, as the doors see them. Who asks Apple is injected.
namespace kassi::api {

/// Everything with the gateway, the second try included, has so long; a sheet waits for 30 s.
inline constexpr Millis merchant_session_within{10'000};
/// So many are asked for at the same moment; one more is told to come again.
inline constexpr std::size_t merchant_sessions_at_once_max = 64;

struct MerchantSession {
    std::string json;   ///< an object, byte for byte as the gateway said it; "" there is none
    std::string why;    ///< then, in plain words for a developer; no secret
    bool busy = false;  ///< too many at once: the gateway was not asked
};

class MerchantSessions {
  public:
    virtual ~MerchantSessions() = default;
    /// A fresh session for `domain`, which must be one of the shop's. `done` is called once, from the io
    /// thread, never from inside this; not at all when this was destroyed before.
    virtual void open(const std::shared_ptr<const providers::apple_pay::Shop>& shop,
                      const std::string& domain, std::function<void(MerchantSession)> done) = 0;
};

}  // namespace kassi::api
