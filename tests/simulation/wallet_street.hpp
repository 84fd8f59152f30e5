#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/transaction.hpp"
#include "providers/credentials/apple_pay.hpp"
#include "tests/simulation/stage.hpp"

/// Customers with a wallet: real tokens of the simulated Apple, good ones, old ones, another's, and ones for
/// another amount.
namespace kassi::simulation {

class WalletStreet {
  public:
    explicit WalletStreet(Stage& stage) : stage_(stage) {}

    static std::shared_ptr<const providers::apple_pay::Shop> shop();
    /// An Apple Pay token with this number on the device, mostly for that payment.
    std::string token(const std::string& number, const TransactionId& id, const Money& amount);
    /// What a caller opened by himself: number, expiry, cryptogram.
    std::string opened(const std::string& number);

  private:
    std::string cryptogram();

    Stage& stage_;
    std::int64_t made_ = 0;
    std::vector<std::string> before_;
};

}  // namespace kassi::simulation
