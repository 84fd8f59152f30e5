#include "api/ticket_order/services/challenges.hpp"

#include "base/crypto.hpp"

namespace kassi::api::ticket_order::services {

void Challenges::opened(const Certificate& certificate, Instant now) {
    const auto drop_first = [this] {
        known_.erase(order_.front());
        order_.pop_front();
    };
    while (!order_.empty() && now >= known_.at(order_.front()).certificate.until) drop_first();
    const auto [place, is_new] = known_.try_emplace(certificate.xid, Known{certificate});
    // The gateway's ids are its own: whoever sees one twice keeps what he saw first.
    if (!is_new) return;
    order_.push_back(certificate.xid);
    if (order_.size() > challenges_max) drop_first();
}

const Challenges::Known* Challenges::known(std::string_view party, std::string_view xid, Instant now) const {
    const auto found = known_.find(xid);
    if (xid.empty() || found == known_.end()) return nullptr;
    const auto& certificate = found->second.certificate;
    return now < certificate.until && crypto::equal(certificate.party, party) ? &found->second : nullptr;
}

const Certificate* Challenges::find(std::string_view party, std::string_view xid, Instant now) const {
    const auto* found = known(party, xid, now);
    return found == nullptr ? nullptr : &found->certificate;
}

void Challenges::passed(std::string_view party, std::string_view xid) {
    const auto found = known_.find(xid);
    if (found != known_.end() && crypto::equal(found->second.certificate.party, party))
        found->second.passed = true;
}

bool Challenges::has_passed(std::string_view party, std::string_view xid, Instant now) const {
    const auto* found = known(party, xid, now);
    return found != nullptr && found->passed;
}

Result<std::string> Proofs::bare_token(std::string_view mpi_token, const Certifier::Purpose& purpose,
                                       bool allow_foreign, Instant now) const {
    if (!claims_to_be_certificate(mpi_token) && allow_foreign) return std::string(mpi_token);
    const auto certificate = certifier.read(mpi_token, now);
    if (!certificate) return certificate.error();
    if (auto wrong = certifier.misfit(*certificate, purpose)) return *wrong;
    const bool open = certificate->stage == Certificate::Stage::challenge;
    if (open && !challenges.has_passed(certificate->party, certificate->xid, now))
        return bad_request("mpiToken",
                           "waits for the bank's answer: post it to /borgunServices/3DResVerification first");
    return certificate->mpi_token;
}

}  // namespace kassi::api::ticket_order::services
