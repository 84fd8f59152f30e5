#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "api/merchant_sessions.hpp"

namespace kassi::service {

struct SessionsOptions {
    std::string trusted_certificates_pem;  ///< "" the system's
    bool loopback_only = false;
    bool public_only = false;
};

/// Asks Apple's gateway over mutual TLS, each shop with its own certificate.
class HttpMerchantSessions final : public api::MerchantSessions {
  public:
    /// Throws std::runtime_error when a shop's certificate or key cannot be used.
    HttpMerchantSessions(boost::asio::io_context& io,
                         const std::vector<std::shared_ptr<const providers::apple_pay::Shop>>& shops,
                         const SessionsOptions& options);
    ~HttpMerchantSessions() override;
    void open(const std::shared_ptr<const providers::apple_pay::Shop>& shop, const std::string& domain,
              std::function<void(api::MerchantSession)> done) override;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::service
