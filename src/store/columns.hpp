#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "base/limits.hpp"
#include "core/transaction.hpp"
#include "store/sqlite.hpp"

/// How values stand in columns (schema/0001_first.sql), both ways.
namespace kassi::store {

inline std::int64_t to_millis(Instant at) {
    return at.time_since_epoch().count();
}
inline std::optional<std::int64_t> to_millis(const std::optional<Instant>& at) {
    if (!at) return std::nullopt;
    return to_millis(*at);
}
inline Instant to_instant(std::int64_t millis) {
    return Instant(Millis(millis));
}

/// The view lives as long as the id.
inline Blob to_blob(const TransactionId& id) {
    return Blob{{reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}};
}
/// Throws std::runtime_error: only a damaged file has another size.
inline TransactionId to_id(std::string_view blob) {
    TransactionId id;
    if (blob.size() != id.bytes.size())
        throw std::runtime_error("the store is broken: the id of a transaction has " +
                                 std::to_string(blob.size()) + " bytes");
    std::copy(blob.begin(), blob.end(), id.bytes.begin());
    return id;
}

/// Parcels of one transaction lie side by side: leg 0 is the journey.
inline constexpr std::int64_t slots_per_transaction = 256;
static_assert(limits::legs_max < slots_per_transaction);
inline std::int64_t slot_of(std::int64_t transaction_serial, std::int64_t leg) {
    return transaction_serial * slots_per_transaction + leg;
}
inline std::int64_t leg_of_slot(std::int64_t slot) {
    return slot % slots_per_transaction;
}

/// What a sealed parcel is bound to.
inline std::string parcel_context(const TransactionId& id, std::int64_t leg) {
    return id.text() + "/" + std::to_string(leg);
}

inline bool has_open_call(const core::Transaction& transaction) {
    return std::any_of(transaction.legs.begin(), transaction.legs.end(),
                       [](const core::Leg& leg) { return leg.doing == core::Doing::call; });
}

}  // namespace kassi::store
