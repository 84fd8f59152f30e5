#include "tests/simulation/reduce.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace kassi::simulation {

namespace {
constexpr std::int64_t numbers_max = 100'000;

Life without_some(Life life, const std::vector<Happened>& events, std::size_t from, std::size_t count) {
    for (std::size_t i = from; i < std::min(from + count, events.size()); ++i)
        life.without.insert(events[i].number);
    return life;
}
}  // namespace

Reduced reduce(const Life& life, const Report& broken, int runs_max) {
    const Invariant wanted = broken.broken.front().invariant;
    Reduced best{life, broken, 0};
    std::size_t chunk = std::max<std::size_t>(1, broken.events.size() / 2);
    for (bool shorter = true; shorter || chunk > 1;) {
        if (!shorter) chunk = (chunk + 1) / 2;
        shorter = false;
        for (std::size_t from = 0; from < best.report.events.size();) {
            if (best.runs >= runs_max) return best;
            const Life next = without_some(best.life, best.report.events, from, chunk);
            Report report = run(next);
            ++best.runs;
            if (report.breaks(wanted) && report.events.size() < best.report.events.size()) {
                best.life = next;
                best.report = std::move(report);
                shorter = true;
            } else {
                from += chunk;
            }
        }
    }
    return best;
}

std::string numbers_text(const std::set<std::int64_t>& numbers) {
    std::string text;
    for (auto at = numbers.begin(); at != numbers.end();) {
        auto last = at;
        for (auto next = std::next(at); next != numbers.end() && *next == *last + 1; ++next) last = next;
        if (!text.empty()) text += ',';
        text += last == at ? fmt::format("{}", *at) : fmt::format("{}-{}", *at, *last);
        at = std::next(last);
    }
    return text;
}

Result<std::set<std::int64_t>> parse_numbers(const std::string& text) {
    std::set<std::int64_t> numbers;
    const auto wrong = bad_request("without", "must be numbers and ranges: 3,17,1004-1010");
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        std::int64_t first = 0;
        auto read = std::from_chars(at, end, first);
        if (read.ec != std::errc{} || first < 0) return wrong;
        std::int64_t last = first;
        if (read.ptr != end && *read.ptr == '-') {
            read = std::from_chars(read.ptr + 1, end, last);
            if (read.ec != std::errc{} || last < first || last - first > numbers_max) return wrong;
        }
        for (std::int64_t i = first; i <= last; ++i) numbers.insert(i);
        at = read.ptr;
        if (at == end) break;
        if (*at != ',' || ++at == end) return wrong;
    }
    return numbers;
}

}  // namespace kassi::simulation
