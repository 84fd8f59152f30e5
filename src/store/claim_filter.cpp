#include "store/claim_filter.hpp"

#include <bloom.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "store/sqlite.hpp"

namespace kassi::store {
namespace {

/// Rows that are read together: who reads on and on keeps the WAL from being used again.
constexpr std::int64_t rows_together = 20'000;

int length(std::string_view bytes) {
    return static_cast<int>(bytes.size());
}

void log_not_made(const std::exception& error) {
    log::error("claim_filter_not_made", {{"why", error.what()}});
}

}  // namespace

void ClaimFilter::Free::operator()(bloom* filter) const {
    bloom_free(filter);
    delete filter;
}

ClaimFilter::ClaimFilter(std::string file, std::int64_t room)
    : file_(std::move(file)), room_(std::max(room, filtered_claims_min)) {
    begin();
}

ClaimFilter::~ClaimFilter() {
    stop_.request_stop();
    if (being_made_.valid()) being_made_.wait();
}

void ClaimFilter::begin() {
    try {
        std::packaged_task<Made()> task([this, stop = stop_.get_token()] { return make(stop); });
        auto made = task.get_future();
        // Nobody joins it where the process ends at once, as after an error in COMMIT.
        std::thread(std::move(task)).detach();
        being_made_ = std::move(made);
    } catch (const std::exception& error) {  // there is no thread for it
        log_not_made(error);
    }
}

ClaimFilter::Made ClaimFilter::make(const std::stop_token& stop) const {
    auto database = Database::for_reading(file_);
    database.execute("PRAGMA cache_size = 50");  // each page is read once
    const std::int64_t expected = database.number("SELECT count(*) FROM once_key");
    Made made;
    made.room = std::clamp(expected + expected / 4, room_, filtered_claims_max);
    made.filter.reset(new bloom{});
    if (bloom_init(made.filter.get(), static_cast<int>(made.room), claim_filter_error) != 0)
        throw std::runtime_error("there is no memory for it");

    Statement read(database,
                   "SELECT key_start, serial FROM once_key WHERE (key_start, serial) > (?, ?) "
                   "ORDER BY key_start, serial LIMIT ?");
    std::pair<std::string, std::int64_t> last;
    for (bool more = true; more && !stop.stop_requested();) {
        more = false;
        for (Rows rows(read, Blob{last.first}, last.second, rows_together); rows.next(); more = true) {
            std::pair<std::string, std::int64_t> key{rows.text(0), rows.integer(1)};
            if (key <= last) throw std::runtime_error("once_key is not in its order");
            last = std::move(key);
            bloom_add(made.filter.get(), last.first.data(), length(last.first));
            ++made.keys;
        }
    }
    // A wrong key at the end of what is read together leads past others.
    if (made.keys < expected && !stop.stop_requested())
        throw std::runtime_error("rows of once_key are missing");
    return made;
}

void ClaimFilter::take_when_made() {
    using std::chrono::seconds;
    if (!being_made_.valid() || being_made_.wait_for(seconds(0)) != std::future_status::ready) return;
    try {
        made_ = being_made_.get();
    } catch (const std::exception& error) {
        log_not_made(error);
    }
    for (const std::string& start : std::exchange(meanwhile_, {})) add(start);
}

bool ClaimFilter::may_have(std::string_view start) {
    take_when_made();
    return !made_.filter || bloom_check(made_.filter.get(), start.data(), length(start)) != 0;
}

void ClaimFilter::add(std::string_view start) {
    if (being_made_.valid()) {
        meanwhile_.emplace_back(start);
    } else if (made_.filter) {
        bloom_add(made_.filter.get(), start.data(), length(start));
        ++made_.keys;
    }
}

void ClaimFilter::renew_when_full() {
    if (!made_.filter || made_.keys < made_.room || made_.room == filtered_claims_max) return;
    made_ = {};
    begin();
}

}  // namespace kassi::store
