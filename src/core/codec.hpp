#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/decide.hpp"

/// JSON of what is stored. Format 1. Writing is deterministic: equal values give equal bytes.
namespace kassi::core {

std::string state_json(const Transaction& transaction);
Result<Transaction> parse_state(std::string_view json);

std::string papers_json(const Journey& journey);
std::string papers_json(const Parcel& parcel);
Result<Journey> parse_journey(std::string_view json);
Result<Parcel> parse_parcel(std::string_view json);

/// One journal row: who and what caused it, the events, the effects in short.
struct JournalRow {
    Instant at{};
    std::string input;  ///< "Purchase"
    std::string by;
    std::string tracking;
    std::vector<Event> events;
    std::vector<std::string> effects;  ///< "call 1.3 complete", "visit 1.1"
};
std::string row_json(const JournalRow& row);
Result<JournalRow> parse_row(std::string_view json);
std::string event_json(const Event& event);
/// Replay: applies the events of one stored row, counts the version, keeps the tracking id (apply.cpp).
void apply_row(Transaction& transaction, const JournalRow& row);
JournalRow row_of(const Input& input, const Decision& decision, Instant at);

}  // namespace kassi::core
