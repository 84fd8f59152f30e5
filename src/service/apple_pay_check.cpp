#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>

#include "providers/credentials/apple_pay.hpp"
#include "providers/credentials/apple_pay_certificate.hpp"
#include "service/commands.hpp"
#include "service/story.hpp"

namespace kassi::service {
namespace {

namespace apple_pay = providers::apple_pay;

constexpr std::size_t file_bytes_max = 64 * 1024;
constexpr std::size_t unix_digits_max = 11;

int fail(const std::string& why) {
    std::fprintf(stderr, "kassi: %s\n", for_terminal(why).c_str());
    return exit_failed;
}

void print(const std::string& line) {
    std::fprintf(stdout, "%s\n", for_terminal(line).c_str());
}

Result<std::string> read_file(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    if (!file) return bad_request(name, "cannot be read");
    std::string text(file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return bad_request(name, "cannot be read");
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > file_bytes_max) return bad_request(name, "is larger than 64 KiB");
    return text;
}

/// Unix seconds, or ISO 8601, or now.
Result<Instant> time_of(const std::string& text) {
    if (text.empty()) return SystemClock().now();
    const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
    if (digits && text.size() <= unix_digits_max) return Instant(std::chrono::seconds(std::stoll(text)));
    return parse_iso8601(text, "--at");
}

/// The option that a verifier's field stands for.
std::string option_of(const std::string& field) {
    if (field == "root") return "--root";
    if (field == "merchant_identifier") return "--merchant";
    if (field.ends_with(".certificate")) return "--certificate";
    if (field.ends_with(".key")) return "--key";
    return field;
}

Result<std::shared_ptr<const apple_pay::Verifier>> verifier_of(const ApplePayCheck& check) {
    apple_pay::Options options;
    auto certificate = read_file(check.certificate_file);
    if (!certificate) return certificate.error();
    auto key = read_secret_file(check.key_file);
    if (!key) return key.error();
    if (!check.root_file.empty()) {
        auto root = read_file(check.root_file);
        if (!root) return root.error();
        if (root->empty()) return bad_request("--root", "is empty");
        options.root_pem = std::move(*root);
    }
    options.merchant_identifier =
        check.merchant.empty() ? apple_pay::merchant_identifier_of(*certificate) : check.merchant;
    if (options.merchant_identifier.empty())
        return bad_request("--certificate", "names no merchant; say it with --merchant");
    options.keys.push_back({std::move(*certificate), std::move(*key)});
    auto made = apple_pay::Verifier::make(std::move(options));
    if (!made) return bad_request(option_of(made.error().field), made.error().message);
    return made;
}

void print_steps(const std::optional<apple_pay::Failure>& failure) {
    const int failed = failure ? static_cast<int>(failure->step) : apple_pay::checks_count;
    for (int i = 0; i < apple_pay::checks_count; ++i) {
        const char* outcome = i < failed ? "ok" : i == failed ? "failed" : "not reached";
        print(fmt::format("{:<13}{}", outcome, apple_pay::title(static_cast<apple_pay::Check>(i))));
    }
}

void print_content(const apple_pay::Opened& opened) {
    constexpr std::size_t shown_digits = 4;
    const auto& card = opened.card;
    const std::string_view number = card.number.reveal();
    print("");
    print(fmt::format("transaction  {}", opened.transaction_id));
    print(fmt::format("signed       {}", iso8601(opened.signed_at)));
    print(fmt::format("card         {} ending in {}, until {:04}-{:02}, ECI {}",
                      providers::card::title(card.scheme),
                      number.substr(number.size() - std::min(number.size(), shown_digits)), card.expiry.year,
                      card.expiry.month, card.eci.empty() ? "not said" : card.eci));
    print(fmt::format("amount       {} ({} {})", money_for_people(opened.amount), opened.amount.minor,
                      opened.amount.currency.code()));
    if (!opened.application_data_hash.empty())
        print(fmt::format("bound to     {}", opened.application_data_hash));
}

}  // namespace

int check_apple_pay(const ApplePayCheck& check) {
    const auto token = read_file(check.token_file);
    if (!token) return fail(token.error().field + ": " + token.error().message);
    const auto at = time_of(check.at);
    if (!at) return fail(at.error().field + ": " + at.error().message);
    const auto verifier = verifier_of(check);
    if (!verifier)
        return fail(verifier.error().field.empty()
                        ? verifier.error().message
                        : verifier.error().field + ": " + verifier.error().message);
    print(fmt::format("at {}, for {}{}", iso8601(*at), (*verifier)->merchant_identifier(),
                      (*verifier)->trusts_only_apple() ? "" : ", by a root that is NOT Apple's"));
    const auto failure = (*verifier)->failure(*token, *at);
    print_steps(failure);
    if (failure) {
        print("");
        print("apple_pay: " + failure->error.message);
        return exit_findings;
    }
    print_content((*verifier)->verify(*token, *at).value());
    return exit_ok;
}

}  // namespace kassi::service
