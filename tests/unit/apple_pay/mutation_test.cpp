#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <vector>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "world.hpp"

/// Damaged tokens: none may be accepted, none may end the process. Where the damage changes nothing that a
/// token says (a blank between members, a hex digit as a capital letter) it is no damage. The number of all
/// cases together is KASSI_APPLE_PAY_MUTANTS, else 16,000, and 100,000 with KASSI_LONG; each case has a
/// quarter of it.
namespace kassi::tests {
namespace {

using device::Version;
using nlohmann::json;

constexpr int mutants_default = 16'000, mutants_of_a_long_run = 100'000;
constexpr int cases = 4;

int mutants_each() {
    const char* said = std::getenv("KASSI_APPLE_PAY_MUTANTS");
    if (said != nullptr) return std::max(cases, std::atoi(said)) / cases;
    return (std::getenv("KASSI_LONG") == nullptr ? mutants_default : mutants_of_a_long_run) / cases;
}

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}
    std::size_t below(std::size_t end) { return engine_() % end; }
    char byte() { return static_cast<char>(engine_() & 0xffU); }

  private:
    std::mt19937_64 engine_;
};

/// A token's members, in the order in which they are printed. Parsing and printing JSON for each mutant would
/// take longer than refusing it.
struct Token {
    std::vector<std::pair<std::string, std::string>> outer, header;
    bool is_wrapped = false;
};

/// What stands inside a text cannot be a byte that is no UTF-8: JSON would be refused as a whole.
std::string in_ascii(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    return text;
}

std::string printed(const Token& token) {
    JsonWriter out;
    out.begin_object();
    for (const auto& [name, value] : token.outer) out.field(name, in_ascii(value));
    out.key("header").begin_object();
    for (const auto& [name, value] : token.header) out.field(name, in_ascii(value));
    out.end_object().end_object();
    return token.is_wrapped ? device::AppleWorld::browser_token(out.text(), "Visa") : out.take();
}

/// Good tokens to begin with, in both versions, with and without application data, in BER and DER, with and
/// without the browser's object around.
std::vector<Token> good_tokens() {
    std::vector<Token> out;
    for (const auto version : {Version::ec_v1, Version::rsa_v1})
        for (const bool with_data : {true, false})
            for (const bool indefinite : {true, false}) {
                auto wanted = order(version);
                if (with_data) wanted.application_data = "transaction-7";
                wanted.indefinite_lengths = indefinite;
                const auto parsed = json::parse(world().token(wanted));
                Token token;
                for (const char* name : {"version", "data", "signature"})
                    token.outer.emplace_back(name, parsed[name]);
                for (const auto& [name, value] : parsed["header"].items())
                    token.header.emplace_back(name, value);
                token.is_wrapped = with_data == indefinite;
                out.push_back(std::move(token));
            }
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

std::string& member(Token& token, Dice& dice) {
    const auto i = dice.below(token.outer.size() + token.header.size());
    return i < token.outer.size() ? token.outer[i].second : token.header[i - token.outer.size()].second;
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

/// Of a hundred: 5 nested, 20 harmed as text, 15 with a member of another token or of this one in the wrong
/// place, 25 with a harmed member, 35 with a member that is harmed and well-formed.
std::string mutant(const std::vector<Token>& good, Dice& dice) {
    auto token = good[dice.below(good.size())];
    const auto kind = dice.below(100);
    if (kind < 5) return nested(printed(token), dice);
    if (kind < 25) {
        auto text = printed(token);
        harm(text, dice);
        return text;
    }
    if (kind < 40) {
        auto other = good[dice.below(good.size())];
        auto taken = member(dice.below(2) == 0 ? other : token, dice);
        member(token, dice) = std::move(taken);
    } else if (kind < 65) {
        harm(member(token, dice), dice);
    } else {
        harm_decoded(member(token, dice), dice);
    }
    return printed(token);
}

/// The members that a token consists of, decoded: what it says, whatever the letters.
std::string said_by(const std::string& text) {
    const auto token = json::parse(text);
    const auto& data = token.contains("paymentData") ? token["paymentData"] : token;
    std::string out;
    const auto add = [&](const json& object, const char* name) {
        if (!object.contains(name)) return;
        const auto value = object[name].get<std::string>();
        out += std::string(name) + "=" +
               (is_hex(value) ? encoding::hex(*encoding::from_hex(value, "")) : value) + ";";
    };
    for (const char* name : {"version", "data", "signature"}) add(data, name);
    for (const char* name :
         {"ephemeralPublicKey", "wrappedKey", "publicKeyHash", "transactionId", "applicationData"})
        add(data["header"], name);
    return out;
}

void run(std::uint64_t seed) {
    const auto good = good_tokens();
    std::set<std::string> said;
    for (const auto& token : good) {
        ASSERT_EQ(failed_step(printed(token)), "");
        said.insert(said_by(printed(token)));
    }
    Dice dice(seed);
    int unharmed = 0;
    for (int refused = 0; refused < mutants_each();) {
        const auto text = mutant(good, dice);
        if (verifier().failure(text, noon())) {
            ++refused;
            continue;
        }
        ASSERT_TRUE(said.contains(said_by(text))) << "seed " << seed << ", after " << refused << ": " << text;
        ASSERT_LT(++unharmed, mutants_each()) << "the mutants are none";
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
