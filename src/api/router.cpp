#include "api/router.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/clock.hpp"
#include "base/limits.hpp"

namespace kassi::api {
namespace {

/// Tells the requests of this process from those of another one, in the logs of both.
std::string process_name() {
    std::array<std::uint8_t, 4> bytes{};
    SystemRandomness().fill(bytes);
    return encoding::hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string proper_id(std::string_view asked) {
    return is_request_id(asked) ? std::string(asked) : new_request_id();
}

void complete(HttpResponse& response, std::string_view asked_id) {
    if (response.header("Cache-Control").empty()) response.headers.emplace_back("Cache-Control", "no-store");
    if (response.header("X-Request-Id").empty())
        response.headers.emplace_back("X-Request-Id", proper_id(asked_id));
}

}  // namespace

std::string new_request_id() {
    static const std::string process = process_name();
    static std::atomic<std::uint64_t> count{0};
    return process + "-" + std::to_string(++count);
}

std::string request_id_of(const HttpRequest& request) {
    return proper_id(request.header("X-Request-Id"));
}

bool is_card_number(std::string_view text) {
    constexpr std::size_t digits_min = 13, digits_max = 19;
    std::string digits;
    for (const char c : text) {
        if (c >= '0' && c <= '9')
            digits += c;
        else if (c != ' ' && c != '-' && c != '.' && c != '_')
            return false;
    }
    if (digits.size() < digits_min || digits.size() > digits_max) return false;
    if (digits.front() < '2' || digits.front() > '6') return false;
    int sum = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        const int digit = digits[digits.size() - 1 - i] - '0';
        const int weighed = i % 2 == 0 ? digit : 2 * digit;
        sum += weighed > 9 ? weighed - 9 : weighed;
    }
    return sum % 10 == 0;
}

bool is_request_id(std::string_view text) {
    return !is_card_number(text) && !text.empty() && text.size() <= limits::tracking_id_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

Handler route(std::vector<Mount> mounts) {
    // By a prefix it is found at once; those that look at every path for themselves would look at all of
    // them.
    const auto rank = [](const Mount& mount) { return mount.takes ? 1 : mount.prefix == "/" ? 2 : 0; };
    std::stable_sort(mounts.begin(), mounts.end(), [rank](const Mount& left, const Mount& right) {
        if (rank(left) != rank(right)) return rank(left) < rank(right);
        return left.prefix.size() > right.prefix.size();
    });
    auto shared = std::make_shared<const std::vector<Mount>>(std::move(mounts));
    return [shared](HttpRequest request, Reply reply) {
        Reply completed = [reply = std::move(reply),
                           id = std::string(request.header("X-Request-Id"))](HttpResponse response) {
            complete(response, id);
            reply(std::move(response));
        };
        const auto path = request.path();
        const auto found = std::find_if(shared->begin(), shared->end(), [&](const Mount& mount) {
            return mount.takes ? mount.takes(path) : path.starts_with(mount.prefix);
        });
        if (found == shared->end()) {
            completed(json_response(404, R"({"error":"there is nothing here"})"));
            return;
        }
        found->handler(std::move(request), std::move(completed));
    };
}

}  // namespace kassi::api
