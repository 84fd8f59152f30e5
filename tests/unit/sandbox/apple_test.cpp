#include "sandbox/apple.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "sandbox/data_folder.hpp"

namespace kassi::sandbox {
namespace {

using testing::HasSubstr;

TEST(AppleTown, IsKeptInTheDataFolder) {
    const DataFolder folder("");
    const auto now = SystemClock().now();
    const auto first = apple_town(folder.path(), now);
    struct stat about {};
    ASSERT_EQ(::stat((folder.path() / "apple.json").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777U, 0600U);
    const auto again = apple_town(folder.path(), now);
    EXPECT_EQ(again.papers.identity.certificate_pem, first.papers.identity.certificate_pem);
    // A token from before the restart is opened after it.
    apple::Order order;
    order.processing_certificate_pem = first.papers.processing_ec.certificate_pem;
    order.number = "4242424242424242";
    order.signed_at = now;
    const auto shop = demo_shop(again, "https://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3");
    const auto opened = shop->verifier->verify(first.world.token(order), now);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(shop->domains, std::vector<std::string>{"127.0.0.1"});
    EXPECT_EQ(shop->stand_in_script, "http://127.0.0.1:2/apple/stand-in.js");
    EXPECT_FALSE(shop->verifier->trusts_only_apple());
}

TEST(AppleTown, SaysWhichFileIsNotUnderstood) {
    const DataFolder folder("");
    const auto file = folder.path() / "apple.json";
    for (const std::string text : {"", "{", "[]", "{}", R"({"world":"x"})", R"({"world":1})"}) {
        std::ofstream(file, std::ios::trunc) << text;
        try {
            static_cast<void>(apple_town(folder.path(), SystemClock().now()));
            ADD_FAILURE() << text;
        } catch (const std::runtime_error& error) {
            EXPECT_THAT(error.what(), HasSubstr(file.string())) << text;
        }
    }
}

}  // namespace
}  // namespace kassi::sandbox
