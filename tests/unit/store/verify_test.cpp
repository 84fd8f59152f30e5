#include <filesystem>
#include <fstream>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "fixture.hpp"

namespace kassi::store {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

struct Tampering {
    const char* name;
    const char* sql;
    const char* finding;  ///< one that must be among them
};

void PrintTo(const Tampering& tampering, std::ostream* out) {
    *out << tampering.name;
}

class VerifyTest : public StoreTest, public testing::WithParamInterface<Tampering> {
  protected:
    /// Three transactions: one owes (rows 1, 4, 7), one is with a redirect house (2, 5), one waits (3, 6).
    void SetUp() override {
        open();
        Story credit, redirect, waiting;
        const auto with_rows = [&](Unit unit) {
            unit.customer_json = R"({"name":"Ann"})";
            unit.document_json = R"({"events":[1]})";
            auto& event = std::get<core::HandedOver>(unit.row.events.at(0));
            const auto key = digest_key(master_key());
            event.customer_digest = crypto::keyed_digest(key.reveal(), *unit.customer_json);
            event.document_digest = crypto::keyed_digest(key.reveal(), *unit.document_json);
            return unit;
        };
        committed(with_rows(credit.hand_over(at(0), "demo", 500)));
        committed(with_rows(redirect.hand_over(at(1), "demo", 600)));
        Unit claimed = waiting.hand_over(at(2), "other", 700);
        claimed.claims = {{"idempotency:box", "k", "body"}};
        committed(claimed);
        committed(credit.owe(at(3)));
        Unit away = redirect.send_away(at(4));
        away.decision.papers.parcels[1].saved = "something";
        committed(away);
        Unit own = waiting.step(at(5), {core::HoldMoved{at(900)}});
        own.claims = {{"idempotency:box", "k", "", waiting.transaction.id}};
        committed(own);
        Unit back = credit.step(at(6), {core::GivenBack{.leg = 1, .amount = money(200)}});
        back.credit = {
            {"demo", {.leg = 1, .merchant = "house", .kind = "given_back", .amount = money(200)}, -200, {}}};
        committed(back);
        close();
    }
};

TEST_F(VerifyTest, untouchedIsClean) {
    std::vector<std::int64_t> steps;
    std::int64_t all = 0;
    const auto report = verify(directory(), master_key(), "", [&](std::int64_t done, std::int64_t of) {
        steps.push_back(done);
        all = of;
    });
    ASSERT_TRUE(report) << report.error().message;
    for (const auto& finding : report->findings) ADD_FAILURE() << finding.what;
    EXPECT_EQ(report->rows, 7);
    EXPECT_EQ(report->transactions, 3);
    EXPECT_EQ(report->seals, 7);
    EXPECT_EQ(report->head_hex.size(), 64U);
    ASSERT_FALSE(steps.empty());
    EXPECT_EQ(steps.back(), all);
    EXPECT_EQ(all, 14);
}

TEST_F(VerifyTest, emptyIsClean) {
    const TempDirectory empty;
    ASSERT_TRUE(SqliteStore::open({.directory = empty.path(),
                                   .master_key = master_key(),
                                   .post = [](const std::function<void()>&) {}}));
    const auto report = verify(empty.path(), master_key(), "", nullptr);
    ASSERT_TRUE(report);
    EXPECT_THAT(report->findings, IsEmpty());
    EXPECT_EQ(report->head_hex, "");
}

TEST_F(VerifyTest, headProvesTheTail) {
    const std::string early = encoding::hex(Raw(directory()).value("SELECT hash FROM seal WHERE number = 3"));
    const std::string head = verified().head_hex;
    EXPECT_THAT(verified(head).findings, IsEmpty());
    EXPECT_THAT(verified(early).findings, IsEmpty()) << "an earlier one, too";
    EXPECT_EQ(verify(directory(), master_key(), "xyz", nullptr).error().field, "head");
    EXPECT_EQ(verify(directory(), master_key(), "abcd", nullptr).error().field, "head");

    // Whoever cuts the end off with seal and state leaves nothing that does not fit, but for the head. The
    // last commit of transaction 3 is taken back here, with all that it left.
    Raw raw(directory());
    const std::string state = [&] {
        Story story;
        const auto row = core::parse_row(raw.value("SELECT body FROM journal WHERE number = 3"));
        core::apply_row(story.transaction, *row);
        return core::state_json(story.transaction);
    }();
    raw.execute("DELETE FROM journal WHERE number >= 6; DELETE FROM seal WHERE number >= 6");
    raw.execute("DELETE FROM once WHERE serial = 2; DELETE FROM once_own");
    raw.execute("UPDATE transaction_state SET version = 1, state = '" + state +
                "', head = (SELECT hash FROM journal WHERE number = 3), "
                "due_at = (SELECT due_at FROM journal WHERE number = 3) WHERE serial = 3");
    // Row 7 gave credit back: leave that out of the comparison by undoing it, too.
    const std::string credit_state = [&] {
        Story story;
        for (const int number : {1, 4})
            core::apply_row(story.transaction,
                            *core::parse_row(raw.value("SELECT body FROM journal WHERE number = " +
                                                       std::to_string(number))));
        return core::state_json(story.transaction);
    }();
    raw.execute(
        "DELETE FROM credit_entry WHERE number = 3; UPDATE balance SET minor = 500 WHERE caller = 'demo'");
    raw.execute("UPDATE transaction_state SET version = 2, state = '" + credit_state +
                "', head = (SELECT hash FROM journal WHERE number = 4) WHERE serial = 1");
    for (const auto& finding : verified().findings) ADD_FAILURE() << finding.what;
    EXPECT_THAT(verified(early).findings, IsEmpty());
    EXPECT_THAT(verified(head).findings,
                Contains(Field(&Finding::what, HasSubstr("head is not among the seals"))));
}

TEST_P(VerifyTest, findsTampering) {
    Raw(directory()).execute(GetParam().sql);
    const auto report = verified();
    EXPECT_THAT(report.findings, Contains(Field(&Finding::what, HasSubstr(GetParam().finding))));
    // The store still opens: reading what was tampered with is for people to decide.
}

INSTANTIATE_TEST_SUITE_P(
    Each, VerifyTest,
    testing::Values(
        Tampering{"rowBody",
                  "UPDATE journal SET body = replace(body, '\"demo\"', '\"evil\"') WHERE number = 2",
                  "row 2 was changed"},
        Tampering{"rowTime", "UPDATE journal SET at = at + 1 WHERE number = 5", "row 5 was changed"},
        Tampering{"rowDue", "UPDATE journal SET due_at = due_at + 1 WHERE number = 5", "row 5 was changed"},
        Tampering{"rowFlags", "UPDATE journal SET flags = 4 WHERE number = 5", "row 5 was changed"},
        Tampering{"rowFormat", "UPDATE journal SET format = 2 WHERE number = 5", "row 5 has a format"},
        Tampering{"rowHash", "UPDATE journal SET hash = zeroblob(32) WHERE number = 4",
                  "seal 4 (rows 4 to 4)"},
        Tampering{"rowUnreadable", "UPDATE journal SET body = '{' WHERE number = 4", "row 4 cannot be read"},
        Tampering{"rowMissing", "DELETE FROM journal WHERE number = 4", "row 4 is missing"},
        Tampering{"rowMissingInTransaction", "DELETE FROM journal WHERE number = 4",
                  "of version 2 is missing"},
        Tampering{"tailCut", "DELETE FROM journal WHERE number >= 5", "rows 5 to 7 are missing"},
        Tampering{"tailCutWithSeals",
                  "DELETE FROM journal WHERE number >= 7; DELETE FROM seal WHERE number >= 7",
                  "newest journal row is not the one"},
        Tampering{"sealsCut", "DELETE FROM seal WHERE number >= 6", "row 6 is covered by no seal"},
        Tampering{"sealMissing", "DELETE FROM seal WHERE number = 3", "is missing"},
        Tampering{"sealChanged", "UPDATE seal SET hash = zeroblob(32) WHERE number = 7", "seal 7"},
        Tampering{"sealForged", "UPDATE seal SET mac = zeroblob(32) WHERE number = 7",
                  "not made with this master key"},
        Tampering{"reordered",
                  "UPDATE journal SET number = -1 WHERE number = 2; UPDATE journal SET number = 2 WHERE "
                  "number = 3; "
                  "UPDATE journal SET number = 3 WHERE number = -1",
                  "seal 2 (rows 2 to 2) does not fit"},
        Tampering{"versionsSwapped",
                  "UPDATE journal SET version = 9 WHERE number = 4; UPDATE journal SET version = 2 WHERE "
                  "number = 7; "
                  "UPDATE journal SET version = 3 WHERE number = 4",
                  "stands before a row that came earlier"},
        Tampering{"rowOfAnother", "UPDATE journal SET transaction_serial = 2, version = 3 WHERE number = 7",
                  "row 7 was changed"},
        Tampering{
            "rowAdded",
            "INSERT INTO journal SELECT 8, transaction_serial, 4, at, due_at, flags, format, body, hash "
            "FROM journal WHERE number = 7",
            "row 8 is covered by no seal"},
        Tampering{"state",
                  "UPDATE transaction_state SET state = replace(state, '\"purchased\"', '\"failed\"') WHERE "
                  "serial = 1",
                  "not what its journal rows lead to"},
        Tampering{"stateUnreadable", "UPDATE transaction_state SET state = 'x' WHERE serial = 1",
                  "the state cannot be read"},
        Tampering{"statePhase", "UPDATE transaction_state SET phase = 'failed' WHERE serial = 1",
                  "a column beside the state"},
        Tampering{"stateCaller", "UPDATE transaction_state SET caller = 'evil' WHERE serial = 2",
                  "a column beside the state"},
        Tampering{"stateVersion", "UPDATE transaction_state SET version = 7 WHERE serial = 2",
                  "the state has version 7"},
        Tampering{"stateDue", "UPDATE transaction_state SET due_at = NULL WHERE serial = 2",
                  "due_at was changed"},
        Tampering{"stateFlag", "UPDATE transaction_state SET needs_person = 1 WHERE serial = 2",
                  "needs_person was changed"},
        Tampering{"stateMissing", "DELETE FROM transaction_state WHERE serial = 2", "is missing"},
        Tampering{"stateWithoutRows", "DELETE FROM journal WHERE transaction_serial = 3",
                  "has no journal row"},
        Tampering{"parcelMissing", "DELETE FROM parcel", "a sealed parcel is missing"},
        Tampering{"parcelChanged", "UPDATE parcel SET sealed = zeroblob(length(sealed))",
                  "the sealed parcel of leg 1 cannot be opened"},
        Tampering{"parcelOfAnother", "UPDATE parcel SET slot = slot + 256",
                  "the sealed parcel of leg 1 cannot be opened"},
        Tampering{"parcelDigest", "UPDATE parcel SET digest = zeroblob(16)",
                  "the digest beside the sealed parcel of leg 1"},
        Tampering{"parcelOfNobody", "UPDATE parcel SET slot = slot + 2560", "belongs to no transaction"},
        Tampering{"claimOfNobody", "INSERT INTO once VALUES (3, x'00', 's', NULL, 9, 1, 0, NULL)",
                  "1 keys that were used up lead to no version"},
        Tampering{"claimOfNoVersion", "INSERT INTO once VALUES (3, x'00', 's', NULL, 2, 3, 0, NULL)",
                  "1 keys that were used up lead to no version"},
        Tampering{"claimOfAnotherVersion", "INSERT INTO once VALUES (3, x'00', 's', NULL, 2, 1, 0, NULL)",
                  "1 keys that were used up lead to other rows"},
        Tampering{"claimKey",
                  "UPDATE once SET key_hmac = x'00010203040506070809101112131415' WHERE serial = 1",
                  "1 keys that were used up are not as they were written"},
        Tampering{"claimScope", "UPDATE once SET scope = 'idempotency:bog' WHERE serial = 1",
                  "1 keys that were used up are not as they were written"},
        Tampering{"claimFingerprint", "UPDATE once SET fingerprint_hmac = zeroblob(16) WHERE serial = 1",
                  "1 keys that were used up are not as they were written"},
        Tampering{"claimFingerprintTaken", "UPDATE once SET fingerprint_hmac = NULL WHERE serial = 1",
                  "1 keys that were used up are not as they were written"},
        Tampering{"claimMovedToAnother", "UPDATE once SET transaction_serial = 2 WHERE serial = 1",
                  "1 keys that were used up are not as they were written"},
        Tampering{"claimMovedToAnotherVersion", "UPDATE once SET version = 2 WHERE serial = 1",
                  "1 keys that were used up are not as they were written"},
        Tampering{"claimOwn", "UPDATE once SET own = 0 WHERE serial = 2",
                  "1 keys that were used up are not as they were written"},
        Tampering{"claimProof", "UPDATE once SET proof = zeroblob(8) WHERE serial = 1",
                  "1 keys that were used up are not as they were written"},
        Tampering{"claimProofTaken", "UPDATE once SET proof = NULL WHERE serial = 1",
                  "1 keys that were used up are not as they were written"},
        Tampering{"claimMissing", "DELETE FROM once WHERE serial = 1",
                  "2 keys were used up, and not these are there, but 1"},
        Tampering{"lastClaimMissing", "DELETE FROM once WHERE serial = 2",
                  "2 keys were used up, and not these are there, but 1"},
        Tampering{"claimNumber", "UPDATE once SET serial = 5 WHERE serial = 2",
                  "2 keys were used up, and not these are there, but 2"},
        Tampering{"allClaimsMissing", "DELETE FROM once",
                  "2 keys were used up, and not these are there, but 0"},
        Tampering{"sealsClaims", "UPDATE seal SET claims = 1 WHERE number = 7",
                  "seal 7 (rows 7 to 7) was not made with this master key"},
        Tampering{"sealsClaimsTaken", "UPDATE seal SET claims = NULL WHERE number = 7",
                  "seal 7 (rows 7 to 7) was not made with this master key"},
        Tampering{"claimOutOfTheIndex", "UPDATE once_progress SET indexed_until = 1, batch_until = 1",
                  "1 keys that were used up are not found by their index"},
        Tampering{"claimOfTheBatchOutOfTheIndex",
                  "INSERT INTO once VALUES (3, x'00', 's', NULL, 2, 1, 0, NULL);"
                  "UPDATE once_progress SET batch_until = 3, moved = 1",
                  "1 keys that were used up are not found by their index"},
        Tampering{"ownClaimOutOfTheIndex", "DELETE FROM once_own",
                  "1 keys that were used up are not found by their index"},
        Tampering{"claimOfAnotherInTheIndex", "UPDATE once_own SET serial = 1",
                  "1 keys that were used up are not found by their index"},
        Tampering{"indexOfNoClaim", "INSERT INTO once_key VALUES (x'00', 1)",
                  "1 keys in the index lead to no row that used them up"},
        Tampering{"ownIndexOfNoClaim", "INSERT INTO once_own VALUES (x'00', 1)",
                  "1 keys in the index lead to no row that used them up"},
        Tampering{
            "claimTwice",
            "INSERT INTO once SELECT 3, key_hmac, scope, NULL, 2, 1, 0, NULL FROM once WHERE serial = 1",
            "1 keys were used up twice"},
        Tampering{
            "claimTwiceOnceInTheIndex",
            "INSERT INTO once SELECT 3, key_hmac, scope, NULL, 2, 1, 0, NULL FROM once WHERE serial = 1;"
            "INSERT INTO once_key SELECT substr(key_hmac, 1, 6), 1 FROM once WHERE serial = 1;"
            "UPDATE once_progress SET indexed_until = 1, batch_until = 1",
            "1 keys were used up twice"},
        Tampering{
            "claimTwiceInTheIndex",
            "INSERT INTO once SELECT 3, key_hmac, scope, NULL, 2, 1, 0, NULL FROM once WHERE serial = 1;"
            "INSERT INTO once_key SELECT substr(key_hmac, 1, 6), serial FROM once WHERE own = 0;"
            "UPDATE once_progress SET indexed_until = 3, batch_until = 3",
            "1 keys were used up twice"},
        Tampering{"claimTwiceOnceInTheBatch",
                  "INSERT INTO once VALUES (3, x'00', 's', NULL, 2, 1, 0, NULL);"
                  "INSERT INTO once_key SELECT substr(key_hmac, 1, 6), serial FROM once WHERE own = 0;"
                  "UPDATE once_progress SET batch_until = 3, moved = 1",
                  "1 keys were used up twice"},
        Tampering{"tokenOfNobody",
                  "INSERT INTO token (token_hmac, ended, transaction_serial, leg, callout, page, "
                  "fields_digest) VALUES (x'00', 0, 9, 1, 1, 0, '')",
                  "1 return tokens lead to no transaction"},
        Tampering{"tokenHalfEnded",
                  "INSERT INTO token (token_hmac, ended, transaction_serial, leg, callout, page, ended_at, "
                  "fields_digest) VALUES (x'00', 0, 1, 1, 1, 0, 5, '')",
                  "are neither live nor ended"},
        Tampering{"referenceOfNobody", "INSERT INTO reference VALUES ('acme', 'pi_1', 9, 1)",
                  "1 references lead to no transaction"},
        Tampering{"customer",
                  "UPDATE customer SET json = '{}', key_number = NULL WHERE transaction_serial = 2",
                  "the customer is not the one"},
        Tampering{"document",
                  "UPDATE document SET json = '{}', key_number = NULL WHERE transaction_serial = 1",
                  "the document is not the one"},
        Tampering{"customerOfAnother",
                  "UPDATE customer SET (sealed, key_number) = (SELECT sealed, key_number FROM customer WHERE "
                  "transaction_serial = 1) WHERE transaction_serial = 2",
                  "the customer cannot be opened"},
        Tampering{"customerTakenAway", "DELETE FROM customer WHERE transaction_serial = 2",
                  "the customer is missing, and the journal does not say"},
        Tampering{"documentTakenAway", "DELETE FROM document WHERE transaction_serial = 1",
                  "the document is missing, and the journal does not say"},
        Tampering{"keyKept", "INSERT INTO person_key (salt) VALUES (x'01020304050607080910111213141516')",
                  "5 keys of people that were not shredded, and 4 rows"},
        Tampering{"balance", "UPDATE balance SET minor = 0", "the balance of demo in GBP"},
        Tampering{"entry", "UPDATE credit_entry SET minor = 100 WHERE number = 1",
                  "balance after credit entry 1"},
        Tampering{"entryMadeToFit",
                  "UPDATE credit_entry SET minor = 400, balance = 400 WHERE number = 1; "
                  "UPDATE credit_entry SET balance = balance - 100 WHERE number > 1; UPDATE balance SET "
                  "minor = minor - 100",
                  "add up to 200, but it owes 300"},
        Tampering{"entryMissing", "DELETE FROM credit_entry WHERE number = 3; UPDATE balance SET minor = 500",
                  "add up to 500, but it owes 300"},
        Tampering{"entryTime", "UPDATE credit_entry SET at = at - 1 WHERE number = 1",
                  "does not belong to the journal row"},
        Tampering{"entryOfAnother", "UPDATE balance SET caller = 'other'", "is another account's"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(VerifyTest, whatTheJournalSaysWasForgottenMustBeAbsent) {
    open();
    Story person;
    committed(person.hand_over(at(10)));
    committed(person.step(at(11), {core::Forgotten{"Anna", "she asked for it"}}));
    close();
    clean();
    for (const std::string table : {"customer", "document"}) {
        Raw(directory()).execute("INSERT INTO " + table + " (transaction_serial, json) VALUES (4, '{}')");
        EXPECT_THAT(verified().findings, testing::ElementsAre(Field(
                                             &Finding::what, HasSubstr("the " + table + " is still there"))));
        Raw(directory()).execute("DELETE FROM " + table + " WHERE transaction_serial = 4");
    }
}

TEST_F(VerifyTest, allEntriesOfALegMissingAreFoundByTheOthersOfItsKind) {
    open();
    Story second;
    committed(second.hand_over(at(10)));
    committed(second.owe(at(11)));
    close();
    clean();
    Raw(directory())
        .execute("DELETE FROM credit_entry WHERE transaction_serial = 4; UPDATE balance SET minor = 300");
    EXPECT_THAT(verified().findings,
                Contains(testing::AllOf(Field(&Finding::what, HasSubstr("add up to 0, but it owes 5000")),
                                        Field(&Finding::transaction, second.transaction.id.text()))));
}

TEST_F(VerifyTest, whatCannotBeReadIsNamedAndTheRestIsChecked) {
    const auto page_of = [this](const char* table) {
        return std::stoll(
            Raw(directory())
                .value("SELECT rootpage FROM sqlite_schema WHERE name = '" + std::string(table) + "'"));
    };
    const auto page_bytes = std::stoll(Raw(directory()).value("PRAGMA page_size"));
    Raw(directory()).execute("UPDATE balance SET minor = 1; PRAGMA wal_checkpoint(TRUNCATE)");
    std::fstream file(directory() + "/kassi.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((page_of("seal") - 1) * page_bytes);
    file << std::string(100, 'x');
    file.close();
    const auto findings = verified().findings;
    EXPECT_THAT(findings, Contains(Field(&Finding::what, HasSubstr("the file is damaged"))));
    EXPECT_THAT(findings, Contains(Field(&Finding::what, HasSubstr("not all could be read"))));
    EXPECT_THAT(findings, Contains(Field(&Finding::what, HasSubstr("the balance of demo in GBP"))));
}

TEST_F(VerifyTest, damagedIndexIsFound) {
    Raw raw(directory());
    raw.execute("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'token_ended'");
    EXPECT_THAT(verified().findings, Contains(Field(&Finding::what, HasSubstr("the file is damaged"))));
}

}  // namespace
}  // namespace kassi::store
