#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

/// The MpiToken that clients get of us (pure): it certifies itself. It holds the gateway's own token and
/// says, under a key of ours, for which caller, merchant, amount, card token it was issued, and until when.
namespace kassi::api::ticket_order::services {

/// Shorter than the gateway's own (60 minutes): what we take, it takes too.
inline constexpr Millis certificate_life{45LL * 60'000};
inline constexpr std::size_t certificate_bytes_max = 2048;
inline constexpr std::size_t mpi_token_bytes_max = 200;  ///< the gateway's own
inline constexpr std::size_t xid_bytes_max = 128;

struct Certificate {
    enum class Stage {
        authenticated,  ///< a payment may go out with it
        challenge,      ///< the customer was sent to his bank: worth nothing before the bank's answer was
                        ///< verified
    };
    Stage stage = Stage::authenticated;
    std::string party;        ///< of party_of()
    std::string card_digest;  ///< of card_digest_of()
    Money amount;
    std::string mpi_token;  ///< the gateway's: 1 to mpi_token_bytes_max visible characters
    std::string xid;        ///< the gateway's, by which an answer of the bank finds its enrollment; "" none
    Instant until{};
};

/// HMAC-SHA256 of the master key, for this purpose only.
Secret<> certificate_key(const Secret<>& master_key);

class Certifier {
  public:
    /// 32 bytes, as certificate_key() makes them.
    explicit Certifier(Secret<> key) : key_(std::move(key)) {}

    /// Who enrolled with whom, as certificates say it: a keyed digest.
    [[nodiscard]] std::string party_of(std::string_view caller, std::string_view merchant) const;
    /// A keyed digest of "ts_..." or "tm_...".
    [[nodiscard]] std::string card_digest_of(std::string_view card_token) const;

    /// At most certificate_bytes_max visible characters, without blanks and quotes.
    [[nodiscard]] std::string issue(const Certificate& certificate) const;
    /// What was issued here with this key, compared in constant time. Error: bad_request naming "mpiToken",
    /// for what was not, what was altered and what has run out.
    [[nodiscard]] Result<Certificate> read(std::string_view text, Instant now) const;
    /// That it was issued for this. Error: bad_request naming "mpiToken" and saying what it is not for.
    struct Purpose {
        std::string_view caller, merchant, card_token;
        Money amount;
    };
    [[nodiscard]] std::optional<Error> misfit(const Certificate& certificate, const Purpose& purpose) const;

  private:
    Secret<> key_;
};

/// Has the form of one of ours, whoever made it.
bool claims_to_be_certificate(std::string_view text);

}  // namespace kassi::api::ticket_order::services
