#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/http_message.hpp"
#include "sandbox/simulators/apple_device.hpp"
#include "sandbox/simulators/apple_gateway.hpp"

/// The customer's device, as the stand-in script reaches it from a page: /apple/stand-in.js, POST
/// /apple/device/token, and /apple/_faults of the gateway.
namespace kassi::sandbox::apple {

/// A file of apple_browser/; "" when there is none of that name.
std::string_view browser_file(std::string_view name);

class Wallet {
  public:
    struct Merchant {
        std::string identifier;
        std::string processing_certificate_pem;  ///< P-256
    };
    struct Options {
        std::string gateway_url;  ///< what the script names to pages
        std::vector<Merchant> merchants;
    };
    /// All of them must outlive it.
    Wallet(Options options, const AppleWorld& world, Gateway& gateway, const Clock& clock);

    /// Everything under /apple/. A token:
    /// {"session","card":"visa"|"mastercard"|"declined","domain","request"}
    /// -> the browser's payment.token; 400 {"error"} for a session that the gateway did not give for that
    /// domain, or a request that no sheet would show.
    [[nodiscard]] HttpResponse answer(const HttpRequest& request);

  private:
    HttpResponse token(const HttpRequest& request);
    HttpResponse script() const;

    Options options_;
    const AppleWorld& world_;
    Gateway& gateway_;
    const Clock& clock_;
};

}  // namespace kassi::sandbox::apple
