#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <vector>

#include "base/encoding.hpp"
#include "world.hpp"

/// Damaged tokens: none may be accepted, none may end the process. Where the damage changes nothing that a
/// token says (a blank between members, a hex digit as a capital letter) it is no damage. The number of all
/// cases together is KASSI_APPLE_PAY_MUTANTS, else 100,000; each case has a quarter of it.
namespace kassi::tests {
namespace {

using device::Version;
using nlohmann::json;

constexpr int mutants_default = 100'000;
constexpr int cases = 4;

int mutants_each() {
    const char* said = std::getenv("KASSI_APPLE_PAY_MUTANTS");
    return (said == nullptr ? mutants_default : std::max(cases, std::atoi(said))) / cases;
}

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}
    std::size_t below(std::size_t end) { return engine_() % end; }
    char byte() { return static_cast<char>(engine_() & 0xffU); }

  private:
    std::mt19937_64 engine_;
};

/// Good tokens to begin with, in both versions, with and without application data, in BER and DER.
std::vector<std::string> good_tokens() {
    std::vector<std::string> out;
    for (const auto version : {Version::ec_v1, Version::rsa_v1})
        for (const bool with_data : {true, false})
            for (const bool indefinite : {true, false}) {
                auto wanted = order(version);
                if (with_data) wanted.application_data = "transaction-7";
                wanted.indefinite_lengths = indefinite;
                out.push_back(world().token(wanted));
            }
    out.push_back(device::AppleWorld::browser_token(out.front(), "Visa"));
    return out;
}

void flip_bit(std::string& text, Dice& dice) {
    if (text.empty()) return;
    auto& byte = text[dice.below(text.size())];
    byte = static_cast<char>(byte ^ (1 << dice.below(8)));
}

/// One small harm to some bytes.
void harm(std::string& bytes, Dice& dice) {
    const std::size_t at = dice.below(bytes.size() + 1);
    switch (dice.below(6)) {
        case 0:
            return flip_bit(bytes, dice);
        case 1:
            bytes.resize(at);
            return;
        case 2:
            bytes.insert(at, 1, dice.byte());
            return;
        case 3:
            bytes.erase(at, 1 + dice.below(8));
            return;
        case 4:
            if (at < bytes.size()) bytes[at] = dice.byte();
            return;
        default:
            bytes.insert(at, bytes.substr(dice.below(bytes.size() + 1), dice.below(64)));
            return;
    }
}

/// Where the members of the payment data are, with or without the browser's object around them.
json& inner(json& token) {
    return token.contains("paymentData") ? token["paymentData"] : token;
}

std::string& member(json& token, Dice& dice) {
    auto& data = inner(token);
    static constexpr const char* outer[] = {"version", "data", "signature"};
    static constexpr const char* header[] = {"ephemeralPublicKey", "wrappedKey", "publicKeyHash",
                                             "transactionId", "applicationData"};
    for (;;) {
        const auto i = dice.below(std::size(outer) + std::size(header));
        auto& object = i < std::size(outer) ? data : data["header"];
        const auto found = object.find(i < std::size(outer) ? outer[i] : header[i - std::size(outer)]);
        if (found != object.end()) return found->get_ref<std::string&>();
    }
}

bool is_hex(const std::string& text) {
    return text.size() == 64 && encoding::from_hex(text, "").has_value();
}

/// The bytes that a member stands for are harmed, and put back well-formed: such mutants get far.
void harm_decoded(std::string& text, Dice& dice) {
    const bool hex = is_hex(text);
    auto bytes = hex ? encoding::from_hex(text, "") : encoding::from_base64(text, "");
    if (!bytes || bytes->empty()) return flip_bit(text, dice);
    harm(*bytes, dice);
    text = hex ? encoding::hex(*bytes) : encoding::base64(*bytes);
}

std::string nested(const std::string& token, Dice& dice) {
    const std::size_t levels = 1 + dice.below(3000);
    const char* const with[][2] = {{"[", "]"}, {"{\"paymentData\":", "}"}, {"{\"header\":", "}"}};
    const auto& [open, close] = with[dice.below(3)];
    std::string out;
    for (std::size_t i = 0; i < levels; ++i) out += open;
    out += token;
    for (std::size_t i = 0; i < levels; ++i) out += close;
    return out;
}

std::string mutant(const std::vector<std::string>& good, Dice& dice) {
    auto text = good[dice.below(good.size())];
    const auto kind = dice.below(10);
    if (kind == 0) return nested(text, dice);
    if (kind <= 2) {
        harm(text, dice);
        return text;
    }
    auto token = json::parse(text);
    auto other = json::parse(good[dice.below(good.size())]);
    if (kind == 3) {  // a member of another token, or of this one in the wrong place
        member(token, dice) = dice.below(2) == 0 ? member(other, dice) : member(token, dice);
    } else if (kind == 4) {
        harm(member(token, dice), dice);
    } else {
        harm_decoded(member(token, dice), dice);
    }
    return token.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// The six members that a token consists of, decoded: what it says, whatever the letters. "" for what is no
/// token at all.
std::string said_by(const std::string& text) {
    auto token = json::parse(text, nullptr, false);
    if (token.is_discarded() || !token.is_object()) return "";
    const auto& data = inner(token);
    if (!data.is_object() || !data.contains("header") || !data["header"].is_object()) return "";
    std::string out;
    const auto add = [&](const std::string& name, const json& value) {
        const auto shown = value.is_string() ? value.get<std::string>() : value.dump();
        out += name + "=" + (is_hex(shown) ? encoding::hex(*encoding::from_hex(shown, "")) : shown) + ";";
    };
    for (const char* name : {"version", "data", "signature"})
        if (data.contains(name)) add(name, data[name]);
    for (const char* name :
         {"ephemeralPublicKey", "wrappedKey", "publicKeyHash", "transactionId", "applicationData"})
        if (data["header"].contains(name)) add(name, data["header"][name]);
    return out;
}

void run(std::uint64_t seed) {
    const auto good = good_tokens();
    std::set<std::string> said;
    for (const auto& token : good) {
        ASSERT_EQ(failed_step(token), "");
        said.insert(said_by(token));
    }
    Dice dice(seed);
    for (int i = 0; i < mutants_each(); ++i) {
        auto text = mutant(good, dice);
        while (said.contains(said_by(text))) text = mutant(good, dice);
        ASSERT_TRUE(verifier().failure(text, noon())) << "seed " << seed << ", mutant " << i << ": " << text;
    }
}

TEST(Mutants, First) {
    run(20261128);
}
TEST(Mutants, Second) {
    run(1);
}
TEST(Mutants, Third) {
    run(271828);
}
TEST(Mutants, Fourth) {
    run(314159);
}

}  // namespace
}  // namespace kassi::tests
