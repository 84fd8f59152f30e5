#include <optional>

#include "world.hpp"

/// Every way in which a token can be wrong, and the step that must say so.
namespace kassi::tests {
namespace {

using device::Flaw;
using device::Version;
using pay::Check;

struct Variant {
    const char* name;
    Flaw flaw;
    Check step;
    std::optional<Version> only = std::nullopt;  ///< nothing: both
};

const Variant variants[] = {
    {"LeafUnmarked", Flaw::leaf_unmarked, Check::certificates},
    {"IntermediateUnmarked", Flaw::intermediate_unmarked, Check::certificates},
    {"MarksSwapped", Flaw::marks_swapped, Check::certificates},
    {"LeafMarkedTwice", Flaw::leaf_marked_twice, Check::certificates},
    {"LeafOfTheRoot", Flaw::leaf_of_the_root, Check::chain},
    {"LeafOfOtherUsage", Flaw::leaf_of_other_usage, Check::chain},
    {"UnknownRoot", Flaw::unknown_root, Check::chain},
    {"ExtraCertificate", Flaw::extra_certificate, Check::signature_form},
    {"OneCertificate", Flaw::one_certificate, Check::signature_form},
    {"SignedByIntermediate", Flaw::signed_by_intermediate, Check::certificates},
    {"TwoSigners", Flaw::two_signers, Check::signature_form},
    {"AttachedContent", Flaw::attached_content, Check::signature_form},
    {"OtherContentType", Flaw::other_content_type, Check::signature_form},
    {"NoAttributes", Flaw::no_attributes, Check::signature_form},
    {"NoSigningTime", Flaw::no_signing_time, Check::age},
    {"TrailingBytes", Flaw::trailing_bytes, Check::signature_form},
    {"NoCms", Flaw::signature_in_der_garbage, Check::signature_form},
    {"WrongDigest", Flaw::wrong_digest, Check::signature},
    {"WrongSignature", Flaw::wrong_signature, Check::signature},
    {"Sha512", Flaw::sha512, Check::certificates},
    {"OtherKeyKind", Flaw::other_key_kind, Check::certificates},
    {"OtherAlgorithmNamed", Flaw::other_algorithm_named, Check::certificates},
    {"Pss", Flaw::pss, Check::signature_form, Version::rsa_v1},
    {"OtherTransactionId", Flaw::other_transaction_id, Check::signature},
    {"OtherApplicationData", Flaw::other_application_data, Check::signature},
    {"WrongKeyHash", Flaw::wrong_key_hash, Check::key},
    {"TagFlipped", Flaw::tag_flipped, Check::decryption},
    {"ShortNonce", Flaw::short_iv, Check::decryption},
    {"PartyAsText", Flaw::party_as_text, Check::decryption, Version::ec_v1},
    {"OtherCurve", Flaw::other_curve, Check::decryption, Version::ec_v1},
    {"EphemeralNotOnCurve", Flaw::ephemeral_not_on_curve, Check::decryption, Version::ec_v1},
    {"CompressedKey", Flaw::compressed_key, Check::decryption, Version::ec_v1},
    {"KeyWithMoreBehind", Flaw::key_with_more_behind, Check::decryption, Version::ec_v1},
    {"KeyOf32Bytes", Flaw::key_of_32_bytes, Check::decryption, Version::rsa_v1},
    {"OaepWithSha1", Flaw::oaep_sha1, Check::decryption, Version::rsa_v1},
    {"NoData", Flaw::no_data, Check::form},
    {"EmptyPaymentData", Flaw::empty_payment_data, Check::form},
    {"UnpaddedBase64", Flaw::unpadded_base64, Check::form},
    {"UnknownVersion", Flaw::unknown_version, Check::form},
    {"WrappedKeyInEc", Flaw::wrapped_key_in_ec, Check::form, Version::ec_v1},
};

class Variants : public testing::TestWithParam<Variant> {};

/// Without its flaw the same order is accepted: each case stands beside its own good twin.
void expect_refused(const Variant& variant, Version version) {
    auto wanted = order(version);
    wanted.application_data = "transaction-7";
    ASSERT_EQ(failed_step(world().token(wanted)), "");
    wanted.flaw = variant.flaw;
    const auto token = world().token(wanted);
    EXPECT_EQ(failed_step(token), pay::title(variant.step));
    const auto opened = verifier().verify(token, noon());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::bad_request);
    EXPECT_EQ(opened.error().field, "apple_pay");
    EXPECT_EQ(opened.error().message.find(visa_number), std::string::npos);
}

TEST_P(Variants, AreRefusedByTheirStep) {
    for (const auto version : {Version::ec_v1, Version::rsa_v1})
        if (!GetParam().only || GetParam().only == version) expect_refused(GetParam(), version);
}

INSTANTIATE_TEST_SUITE_P(All, Variants, testing::ValuesIn(variants),
                         [](const auto& each) { return each.param.name; });

TEST(Steps, HaveTitlesThatTellThemApart) {
    std::vector<std::string_view> seen;
    for (int i = 0; i < pay::checks_count; ++i) {
        const auto title = pay::title(static_cast<Check>(i));
        EXPECT_FALSE(title.empty());
        EXPECT_EQ(std::count(seen.begin(), seen.end(), title), 0) << title;
        seen.push_back(title);
    }
    EXPECT_EQ(static_cast<Check>(pay::checks_count - 1), Check::content);
}

}  // namespace
}  // namespace kassi::tests
