#include "sandbox/box_office/token.hpp"

#include <gtest/gtest.h>

#include "base/crypto.hpp"

namespace kassi::sandbox::box_office {
namespace {

const Secret<> key(std::string(32, 'k')), other_key(std::string(32, 'o'));

Trolley full() {
    Trolley trolley;
    trolley.lines = {{.item = 2,
                      .perf_id = "7AB-4",
                      .ticket_type = "STALLS",
                      .price_band = "A/pool",
                      .seats_count = 2,
                      .seats = {"foo", "座席"},
                      .discounts = {"CHILD"}},
                     {.item = 5,
                      .perf_id = "I3T-1",
                      .ticket_type = "DOUBLE",
                      .price_band = "A/pool",
                      .seats_count = 1,
                      .departure_date = "20270101",
                      .nights = 3}};
    trolley.send_codes = {{"ext_test0", "POST"}};
    trolley.next_item = 6;
    return trolley;
}
bool reads(std::string_view token) {
    const auto read = read_trolley_token(key, token);
    if (!read) {
        EXPECT_EQ(read.error().field, "trolley_token");
    }
    return read.has_value();
}
/// A token as we would write it around any content at all.
std::string sealed(const std::string& content) {
    const auto digest = crypto::hmac_sha256(key.reveal(), "trolley token 2\n" + content);
    return "k2-" + encoding::base64url(crypto::to_bytes(digest).substr(0, 16) + content);
}

TEST(TrolleyToken, IsTheContent) {
    EXPECT_EQ(trolley_token(key, full()), trolley_token(key, full()));
    EXPECT_NE(trolley_token(key, full()), trolley_token(key, Trolley{}));
    EXPECT_EQ(*read_trolley_token(key, trolley_token(key, full())), full());
    EXPECT_EQ(*read_trolley_token(key, trolley_token(key, {})), Trolley{});
    EXPECT_EQ(trolley_token(key, full())
                  .find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-_"),
              std::string::npos);
}

TEST(TrolleyToken, EveryChangedCharacterIsNoticed) {
    const auto token = trolley_token(key, full());
    for (std::size_t i = 0; i < token.size(); ++i) {
        auto changed = token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(reads(changed)) << i;
    }
    for (std::size_t size = 0; size < token.size(); ++size)
        EXPECT_FALSE(reads(token.substr(0, size))) << size;
    EXPECT_FALSE(reads(token + "AAAA"));
}

TEST(TrolleyToken, OfAnotherHouseIsNotRead) {
    EXPECT_FALSE(reads(trolley_token(other_key, full())));
    EXPECT_FALSE(reads("k1-" + encoding::base64url(R"({"n":1,"o":[],"s":{}})")));
    EXPECT_FALSE(reads("M4--abc-Z"));
    EXPECT_FALSE(reads(std::string(trolley_token_bytes_max + 1, 'k')));
}

TEST(TrolleyToken, ContentIsCheckedEvenUnderOurSeal) {
    const std::string line = R"([1,"7AB-4","STALLS","A/pool",2,[],[],"",0])";
    EXPECT_TRUE(reads(sealed(R"({"n":2,"o":[)" + line + R"(],"s":{}})")));
    for (const auto& bad : {
             std::string("{"),
             std::string("[]"),
             std::string("{}"),
             std::string(R"({"n":1,"o":[],"s":[]})"),
             std::string(R"({"n":1,"o":[],"s":{"a":1}})"),
             std::string(R"({"n":0,"o":[],"s":{}})"),
             R"({"n":1,"o":[)" + line + R"(],"s":{}})",
             R"({"n":9,"o":[)" + line + "," + line + R"(],"s":{}})",
             std::string(R"({"n":2,"o":[[1,"7AB-4","STALLS","A/pool",2,[],[]]],"s":{}})"),
             std::string(R"({"n":2,"o":[[1,"7AB-4","STALLS","A/pool",-2,[],[],"",0]],"s":{}})"),
             std::string(R"({"n":2,"o":[[1,"7AB-4","STALLS","A/pool",2,[7],[],"",0]],"s":{}})"),
             std::string(R"({"n":2,"o":[[1,"7AB-4","STALLS","A/pool",2,[],[],"",31]],"s":{}})"),
         })
        EXPECT_FALSE(reads(sealed(bad))) << bad;
}

}  // namespace
}  // namespace kassi::sandbox::box_office
