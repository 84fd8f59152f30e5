#include "api/ticket_order/services/enrolling.hpp"

#include <algorithm>
#include <utility>

#include "api/ticket_order/services/results.hpp"
#include "api/ticket_order/writing.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/borgun/codes.hpp"

namespace kassi::api::ticket_order::services {
namespace {

namespace borgun = providers::borgun;

constexpr std::string_view not_understood = "3-D Secure answered in a way that is not understood.";

bool goes_on(int status, const borgun::Account& account) {
    const auto action = borgun::md_row(status).action;
    const bool pending = action == borgun::MdAction::challenge || action == borgun::MdAction::method;
    const auto& list = account.goes_on_with;
    return !pending && std::find(list.begin(), list.end(), status) != list.end();
}

template <class A>
void print(const CallPointer& call, const Answer<A>& answer) {
    call->answer(print_object(answer, call->route.answer));
}

template <class A>
void print_failure(const CallPointer& call, const core::Heard& heard, const FieldNames& fields) {
    Answer<A> answer;
    auto [status, message] = failure_of(heard, fields);
    answer.http_status_code = status;
    answer.message = std::move(message);
    print(call, answer);
}

}  // namespace

/// One enrollment, which may take two calls.
struct Enrolling::Walk {
    CallPointer call;
    EnrollmentWish wish;
    std::string merchant;
    borgun::Account account;
    bool asked_twice = false;
    std::string first_mpi_token;  ///< the second answer need not repeat it
};

void Enrolling::enroll(const CallPointer& call, EnrollmentWish wish, const providers::Merchant& merchant) {
    auto walk = std::make_shared<Walk>();
    walk->call = call;
    walk->wish = std::move(wish);
    walk->merchant = merchant.name;
    walk->account = borgun::account_of(merchant);
    ask(walk, borgun::services::enrollment(walk->wish.request));
}

void Enrolling::ask(const WalkPointer& walk, core::Request request) {
    desk_.ask(walk->merchant, std::move(request), gateway_budget,
              [this, walk](const core::Heard& heard) { enrolled(walk, heard); });
}

void Enrolling::enrolled(const WalkPointer& walk, const core::Heard& heard) {
    const auto* response = response_in(heard);
    auto said = response == nullptr ? std::nullopt : borgun::services::read_enrolled(*response);
    if (!said || !said->md_status)
        return print_failure<EnrollmentAnswer>(walk->call, heard, enrollment_fields);
    constexpr int unavailable = 5;
    const auto& currency = walk->wish.amount.currency;
    const auto other = borgun::other_exponent(currency, walk->wish.request.exponent);
    if (!walk->asked_twice && *said->md_status == unavailable && other) {
        // Krónur without digits are refused by some directories: once more with two.
        walk->asked_twice = true;
        auto again = walk->wish.request;
        again.exponent = *other;
        again.amount = *borgun::purchase_amount(walk->wish.amount, *other);
        return ask(walk, borgun::services::enrollment(again));
    }
    const bool method = borgun::md_row(*said->md_status).action == borgun::MdAction::method;
    if (!walk->asked_twice && method && !said->xid.empty() && !said->tx_id.empty()) {
        // The service has no member by which an app could run the issuer's script: nobody runs it.
        walk->asked_twice = true;
        walk->first_mpi_token = said->mpi_token;
        return ask(walk, borgun::services::enrollment_without_method(said->xid, said->tx_id));
    }
    if (said->mpi_token.empty()) said->mpi_token = walk->first_mpi_token;
    conclude(walk, *said, response->status);
}

void Enrolling::conclude(const WalkPointer& walk, const borgun::services::Enrolled& said, int status) {
    Answer<EnrollmentAnswer> answer;
    answer.http_status_code = status;
    auto& inside = answer.response.emplace(enrollment_answer(said));
    const auto& row = borgun::md_row(*said.md_status);
    const bool challenge = row.action == borgun::MdAction::challenge;
    const bool usable = said.result == 0 && !said.mpi_token.empty() &&
                        said.mpi_token.size() <= mpi_token_bytes_max && said.xid.size() <= xid_bytes_max &&
                        (!challenge || (!said.xid.empty() && (!said.redirect.empty() || !said.form.empty())));
    if (!challenge && !goes_on(*said.md_status, walk->account)) {
        answer.message = std::string(row.text);
    } else if (!usable) {
        answer.message = std::string(not_understood);
    } else {
        const auto now = engine_.now();
        const Certificate certificate{
            .stage = challenge ? Certificate::Stage::challenge : Certificate::Stage::authenticated,
            .party = certifier_.party_of(walk->call->visitor.caller->name, walk->merchant),
            .card_digest = certifier_.card_digest_of(walk->wish.request.token),
            .amount = walk->wish.amount,
            .mpi_token = said.mpi_token,
            .xid = said.xid,
            .until = now + certificate_life};
        if (challenge) challenges_.opened(certificate, now);
        inside.mpi_token = certifier_.issue(certificate);
        answer.success = true;
    }
    print(walk->call, answer);
}

void Enrolling::verify(const CallPointer& call, VerificationWish wish, const providers::Merchant& merchant) {
    const auto party = certifier_.party_of(call->visitor.caller->name, merchant.name);
    std::optional<Certificate> brought;
    if (!wish.mpi_token.empty()) {
        const auto read = certifier_.read(wish.mpi_token, engine_.now());
        const auto wrong = [&](std::string why) {
            call->refuse(not_valid({{"Predicate", "request.mpiToken", std::move(why)}}));
        };
        if (!read) return wrong(read.error().message);
        if (read->party != party) return wrong("was not issued here: enroll by /borgunServices/3DEnrollment");
        brought = *read;
    }
    desk_.ask(merchant.name, borgun::services::validation(wish.pares, wish.cres, wish.md), gateway_budget,
              [this, call, party, brought = std::move(brought), account = borgun::account_of(merchant)](
                  const core::Heard& heard) { verified(call, heard, party, brought, account); });
}

void Enrolling::verified(const CallPointer& call, const core::Heard& heard, const std::string& party,
                         const std::optional<Certificate>& brought, const borgun::Account& account) {
    const auto* response = response_in(heard);
    const auto said = response == nullptr ? std::nullopt : borgun::services::read_validated(*response);
    if (!said || !said->md_status) return print_failure<VerificationAnswer>(call, heard, verification_fields);
    Answer<VerificationAnswer> answer;
    answer.http_status_code = response->status;
    auto& inside = answer.response.emplace(verification_answer(*said));
    const auto& row = borgun::md_row(*said->md_status);
    // By the gateway's own id: the MD may be another on the way back than it was on the way there.
    const auto* known = challenges_.find(party, said->xid, engine_.now());
    if (known == nullptr && brought && !said->xid.empty() && brought->xid == said->xid) known = &*brought;
    if (!goes_on(*said->md_status, account)) {
        answer.message = std::string(row.text);
    } else if (known == nullptr) {
        answer.success = call->visitor.caller->ticket_order.allow_foreign_mpi;
        if (!answer.success) answer.message = "The authentication belongs to no enrollment of yours.";
    } else {
        auto certificate = *known;
        certificate.stage = Certificate::Stage::authenticated;
        challenges_.passed(party, said->xid);
        inside.mpi_token = certifier_.issue(certificate);
        answer.success = true;
    }
    print(call, answer);
}

}  // namespace kassi::api::ticket_order::services
