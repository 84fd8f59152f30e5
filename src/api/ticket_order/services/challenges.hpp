#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/ticket_order/services/certificate.hpp"

/// Which customers are at their banks, and which came back authenticated.
namespace kassi::api::ticket_order::services {

/// In memory only: the verification's answer has a certificate that needs none of it. The oldest goes first.
inline constexpr std::size_t challenges_max = 10'000;

class Challenges {
  public:
    /// `certificate` of stage challenge, with an xid.
    void opened(const Certificate& certificate, Instant now);
    /// Of this party, and not over; nullptr: not known.
    [[nodiscard]] const Certificate* find(std::string_view party, std::string_view xid, Instant now) const;
    /// The bank's answer was verified, and says that the customer is who he is.
    void passed(std::string_view party, std::string_view xid);
    [[nodiscard]] bool has_passed(std::string_view party, std::string_view xid, Instant now) const;
    [[nodiscard]] std::size_t size() const { return known_.size(); }

  private:
    struct Known {
        Certificate certificate;
        bool passed = false;
    };
    [[nodiscard]] const Known* known(std::string_view party, std::string_view xid, Instant now) const;
    std::map<std::string, Known, std::less<>> known_;  // by xid
    std::deque<std::string> order_;                    // of xids, as they came: all live equally long
};

/// What takes an MpiToken at its word: with both of these any door may.
struct Proofs {
    const Certifier& certifier;
    const Challenges& challenges;

    /// The gateway's own token in `mpi_token`, to be paid with. One that has not our form is handed back as
    /// it is where `allow_foreign`, and refused otherwise. Error: bad_request naming "mpiToken": not issued
    /// here or altered, run out, for another caller, merchant, currency, amount or card token, or its
    /// challenge was not passed. That it is spent once is not looked at: the purchase claims it.
    [[nodiscard]] Result<std::string> bare_token(std::string_view mpi_token,
                                                 const Certifier::Purpose& purpose, bool allow_foreign,
                                                 Instant now) const;
};

}  // namespace kassi::api::ticket_order::services
