#include <gtest/gtest.h>

#include <set>

#include "api/ticket_order/services/challenges.hpp"
#include "base/encoding.hpp"

namespace kassi::api::ticket_order::services {
namespace {

const Instant now{std::chrono::seconds{1'768'039'200}};
constexpr const char* card = "ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf";

Money isk(std::int64_t minor) {
    return {minor, *Currency::parse("ISK", "currency")};
}

struct Certificates : testing::Test {
    Certifier certifier{certificate_key(Secret<>(std::string(32, 'm')))};
    Challenges challenges;
    Proofs proofs{certifier, challenges};
    Certifier::Purpose purpose{"app", "app-borgun", card, isk(4'990)};

    [[nodiscard]] Certificate certificate(
        Certificate::Stage stage = Certificate::Stage::authenticated) const {
        return {.stage = stage,
                .party = certifier.party_of("app", "app-borgun"),
                .card_digest = certifier.card_digest_of(card),
                .amount = isk(4'990),
                .mpi_token = "mpi-4f1c7a90",
                .xid = "MjAyNjExMjMxMDA0MDAwMDAwMDE=",
                .until = now + certificate_life};
    }
    [[nodiscard]] std::string refused(std::string_view text, bool allow_foreign = false,
                                      Instant at = now) const {
        const auto bare = proofs.bare_token(text, purpose, allow_foreign, at);
        if (bare) return "taken: " + *bare;
        EXPECT_EQ(bare.error().kind, ErrorKind::bad_request);
        EXPECT_EQ(bare.error().field, "mpiToken");
        return bare.error().message;
    }
};

constexpr const char* not_ours = "was not issued here: enroll by /borgunServices/3DEnrollment";

TEST_F(Certificates, HoldWhatTheyWereIssuedFor) {
    const auto text = certifier.issue(certificate());
    EXPECT_LE(text.size(), certificate_bytes_max);
    EXPECT_EQ(text.find_first_of(" \"\\\r\n,:{}[]"), std::string::npos) << "fits into JSON and JSV as it is";
    EXPECT_EQ(*proofs.bare_token(text, purpose, false, now), "mpi-4f1c7a90");
    const auto read = certifier.read(text, now);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->stage, Certificate::Stage::authenticated);
    EXPECT_EQ(read->amount, isk(4'990));
    EXPECT_EQ(read->xid, certificate().xid);
    EXPECT_EQ(read->until, now + certificate_life);
}

TEST_F(Certificates, AreForOneCallerMerchantAmountCurrencyAndCardToken) {
    const auto text = certifier.issue(certificate());
    const auto with = [&](auto change) {
        auto other = purpose;
        change(other);
        std::swap(other, purpose);
        auto why = refused(text);
        std::swap(other, purpose);
        return why;
    };
    EXPECT_EQ(with([](auto& p) { p.caller = "other"; }), not_ours);
    EXPECT_EQ(with([](auto& p) { p.merchant = "other-borgun"; }), not_ours);
    // A name's end is not the next one's beginning.
    EXPECT_EQ(with([](auto& p) { p.caller = "appa", p.merchant = "pp-borgun"; }), not_ours);
    EXPECT_EQ(with([](auto& p) { p.amount = isk(4'991); }), "was issued for another amount");
    EXPECT_EQ(with([](auto& p) {
                  p.amount = {4'990, *Currency::parse("JPY", "currency")};
              }),
              "was issued for another currency");
    EXPECT_EQ(with([](auto& p) { p.card_token = "ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUg"; }),
              "was issued for another card token");
}

TEST_F(Certificates, RunOut) {
    const auto text = certifier.issue(certificate());
    EXPECT_TRUE(proofs.bare_token(text, purpose, false, now + certificate_life - Millis{1}));
    EXPECT_EQ(refused(text, false, now + certificate_life), "has run out: enroll once more");
    EXPECT_EQ(refused(text, true, now + certificate_life), "has run out: enroll once more");
}

TEST_F(Certificates, NoByteCanBeChanged) {
    const auto text = certifier.issue(certificate());
    std::set<std::string> why;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto changed = text;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        const auto bare = proofs.bare_token(changed, purpose, false, now);
        // The last character of a base64 part has bits that stand for nothing.
        if (bare) {
            EXPECT_TRUE(i + 1 == text.size() || text[i + 1] == '.') << i;
            EXPECT_EQ(*bare, "mpi-4f1c7a90");
            continue;
        }
        why.insert(bare.error().message);
    }
    EXPECT_EQ(why, std::set<std::string>{not_ours});
    for (std::size_t cut = 0; cut < text.size(); ++cut) EXPECT_EQ(refused(text.substr(0, cut)), not_ours);
    EXPECT_EQ(refused(text + "A"), not_ours);
    EXPECT_EQ(refused("kassi3ds." + std::string(certificate_bytes_max, 'A')), not_ours);
}

TEST_F(Certificates, AnAmountWrittenAnewIsNoCertificate) {
    const auto text = certifier.issue(certificate());
    const auto begin = text.find('.') + 1, dot = text.rfind('.');
    auto payload = *encoding::from_base64url(text.substr(begin, dot - begin), "payload");
    payload.replace(payload.find("4990"), 4, "0001");
    EXPECT_EQ(refused(text.substr(0, begin) + encoding::base64url(payload) + text.substr(dot)), not_ours);
}

TEST_F(Certificates, AnotherKeysAreNotOurs) {
    const Certifier other{certificate_key(Secret<>(std::string(32, 'n')))};
    EXPECT_EQ(refused(other.issue(certificate())), not_ours);
    EXPECT_NE(certificate_key(Secret<>(std::string(32, 'm'))).reveal(), std::string(32, 'm'));
}

TEST_F(Certificates, ForeignOnesOnlyWhereTheyAreAllowed) {
    EXPECT_EQ(refused("mpi-4f1c7a90"), not_ours);
    EXPECT_EQ(refused("mpi-4f1c7a90", true), "taken: mpi-4f1c7a90");
    EXPECT_EQ(refused("kassi3ds.AAAA.AAAA", true), not_ours) << "who forges one of ours is no foreigner";
    EXPECT_EQ(refused(certifier.issue(certificate()), true), "taken: mpi-4f1c7a90");
}

constexpr const char* waits =
    "waits for the bank's answer: post it to /borgunServices/3DResVerification first";

TEST_F(Certificates, OfAChallengeAreWorthNothingBeforeItIsPassed) {
    const auto open = certificate(Certificate::Stage::challenge);
    const auto text = certifier.issue(open);
    EXPECT_EQ(refused(text), waits);
    challenges.opened(open, now);
    EXPECT_EQ(refused(text), waits);
    challenges.passed(certifier.party_of("neighbour", "app-borgun"), open.xid);
    EXPECT_EQ(refused(text), waits) << "somebody else's answer";
    challenges.passed(open.party, "another xid");
    EXPECT_EQ(refused(text), waits);
    challenges.passed(open.party, open.xid);
    EXPECT_EQ(refused(text), "taken: mpi-4f1c7a90");
    EXPECT_EQ(refused(text, false, now + certificate_life), "has run out: enroll once more");
}

TEST_F(Certificates, ChallengesAreBounded) {
    const auto numbered = [&](std::size_t i, Instant at) {
        auto open = certificate(Certificate::Stage::challenge);
        open.xid = "xid-" + std::to_string(i);
        open.until = at + certificate_life;
        return open;
    };
    for (std::size_t i = 0; i < challenges_max; ++i) challenges.opened(numbered(i, now), now);
    const auto party = certificate().party;
    EXPECT_NE(challenges.find(party, "xid-0", now), nullptr);
    challenges.opened(numbered(challenges_max, now), now);
    EXPECT_EQ(challenges.size(), challenges_max);
    EXPECT_EQ(challenges.find(party, "xid-0", now), nullptr) << "the oldest goes";
    EXPECT_NE(challenges.find(party, "xid-1", now), nullptr);
    // What is over makes room by itself.
    const auto later = now + certificate_life;
    challenges.opened(numbered(challenges_max + 1, later), later);
    EXPECT_EQ(challenges.size(), 1U);
}

TEST_F(Certificates, TheFirstOfAnXidStays) {
    auto mine = certificate(Certificate::Stage::challenge);
    challenges.opened(mine, now);
    challenges.passed(mine.party, mine.xid);
    auto other = mine;
    other.party = certifier.party_of("neighbour", "app-borgun");
    challenges.opened(other, now);
    EXPECT_FALSE(challenges.has_passed(other.party, mine.xid, now));
    EXPECT_TRUE(challenges.has_passed(mine.party, mine.xid, now));
    EXPECT_FALSE(challenges.has_passed(mine.party, "", now));
}

}  // namespace
}  // namespace kassi::api::ticket_order::services
