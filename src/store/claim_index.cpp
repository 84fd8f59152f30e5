#include "store/claim_index.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace kassi::store {

/// A key is an HMAC: each part of it is as good as a hash.
std::size_t ClaimIndex::Hash::operator()(const Key& key) const {
    std::size_t hash = 0;
    std::memcpy(&hash, key.data(), sizeof hash);
    return hash;
}

ClaimIndex::Key ClaimIndex::to_key(std::string_view bytes) {
    Key key;
    if (bytes.size() != key.size())
        throw std::runtime_error("the store is broken: a key of once has another length");
    std::memcpy(key.data(), bytes.data(), key.size());
    return key;
}

Blob ClaimIndex::start_of(const Key& key) {
    return {std::string_view(reinterpret_cast<const char*>(key.data()), claim_key_start_bytes)};
}

ClaimIndex::Progress ClaimIndex::read_progress(Database& database) {
    Statement read(database, "SELECT indexed_until, batch_until, moved FROM once_progress");
    Rows rows(read);
    if (!rows.next()) throw std::runtime_error("the store is broken: once_progress has no row");
    return {rows.integer(0), rows.integer(1), rows.integer(2)};
}

void ClaimIndex::sort(std::vector<Entry>& entries) {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& one, const Entry& other) { return one.key < other.key; });
}

ClaimIndex::ClaimIndex(Database& database, std::size_t enough)
    : find_(database,
            "SELECT 1 FROM once_key k CROSS JOIN once o ON o.serial = k.serial "
            "WHERE k.key_start = ?1 AND o.key_hmac = ?2"),
      find_own_(database, "SELECT 1 FROM once_own WHERE key_hmac = ?"),
      // One that is there by damage must not stop every commit: verify tells.
      insert_(database, "INSERT INTO once_key VALUES (?, ?) ON CONFLICT DO NOTHING"),
      insert_own_(database, "INSERT INTO once_own VALUES (?, ?)"),
      put_progress_(database, "UPDATE once_progress SET indexed_until = ?, batch_until = ?, moved = ?"),
      filter_(database.file(), static_cast<std::int64_t>(batches_filtered * enough)),
      enough_(enough),
      progress_(read_progress(database)),
      committed_(progress_),
      last_serial_(progress_.batch_until) {
    // At once: else what they outgrow would stay with the heap.
    newest_.reserve(enough_);
    Statement size(database, "SELECT count(*) FROM once WHERE serial > ? AND serial <= ? AND own = 0");
    if (Rows rows(size, progress_.indexed_until, progress_.batch_until); rows.next())
        batch_.reserve(static_cast<std::size_t>(rows.integer(0)));
    Statement waiting(database,
                      "SELECT key_hmac, serial FROM once WHERE serial > ? AND own = 0 ORDER BY serial");
    for (Rows rows(waiting, progress_.indexed_until); rows.next();) {
        const Entry entry{to_key(rows.text(0)), rows.integer(1)};
        if (entry.serial <= progress_.batch_until)
            batch_.push_back(entry);
        else
            newest_.emplace(entry.key, last_serial_ = entry.serial);
    }
    if (static_cast<std::int64_t>(batch_.size()) < progress_.moved)
        throw std::runtime_error("the store is broken: more of once was put into its index than there is");
    sort(batch_);
}

bool ClaimIndex::has(const ClaimKey& key) {
    if (key.own) return Rows(find_own_, Blob{key.hmac}).next();
    const Key wanted = to_key(key.hmac);
    if (find_waiting(wanted)) return true;  // only this thread changes what waits
    const Blob start = start_of(wanted);
    return filter_.may_have(start.bytes) && Rows(find_, start, Blob{key.hmac}).next();
}

void ClaimIndex::add(const ClaimKey& key, std::int64_t serial) {
    if (key.own) return insert_own_.run(Blob{key.hmac}, serial);
    const Key waits = to_key(key.hmac);
    added_.push_back(waits);
    last_serial_ = serial;
    const std::lock_guard lock(mutex_);
    newest_.emplace(waits, serial);
}

void ClaimIndex::move_some() {
    if (batch_.empty() || added_.empty()) return;
    const auto first = static_cast<std::size_t>(progress_.moved);
    const std::size_t end = std::min(first + added_.size() + 1, batch_.size());
    for (std::size_t i = first; i < end; ++i) {
        const Blob start = start_of(batch_[i].key);
        filter_.add(start.bytes);
        insert_.run(start, batch_[i].serial);
    }
    progress_.moved = static_cast<std::int64_t>(end);
    if (end == batch_.size()) progress_ = {progress_.batch_until, progress_.batch_until, 0};
    put_progress_.run(progress_.indexed_until, progress_.batch_until, progress_.moved);
}

void ClaimIndex::committed() {
    added_.clear();
    committed_ = progress_;
    filter_.renew_when_full();
    const bool none_on_its_way = progress_.indexed_until == progress_.batch_until;
    if (none_on_its_way && newest_.size() >= enough_) return begin_batch();
    if (none_on_its_way && !batch_.empty()) {
        const std::lock_guard lock(mutex_);
        batch_ = {};
    }
}

void ClaimIndex::rolled_back() {
    progress_ = committed_;
    const std::lock_guard lock(mutex_);
    for (const Key& key : added_) newest_.erase(key);
    added_.clear();
}

/// All that waits. It is written down with the first of them that is put there.
void ClaimIndex::begin_batch() {
    std::vector<Entry> entries;
    entries.reserve(newest_.size());
    for (const auto& [key, serial] : newest_) entries.push_back({key, serial});
    sort(entries);
    progress_.batch_until = committed_.batch_until = last_serial_;
    const std::lock_guard lock(mutex_);
    batch_ = std::move(entries);
    newest_.clear();
}

std::optional<std::int64_t> ClaimIndex::waiting(const ClaimKey& key) const {
    if (key.own) return std::nullopt;
    const Key wanted = to_key(key.hmac);
    const std::lock_guard lock(mutex_);
    return find_waiting(wanted);
}

std::optional<std::int64_t> ClaimIndex::find_waiting(const Key& key) const {
    if (const auto newest = newest_.find(key); newest != newest_.end()) return newest->second;
    const auto place =
        std::lower_bound(batch_.begin(), batch_.end(), key,
                         [](const Entry& entry, const Key& wanted) { return entry.key < wanted; });
    if (place == batch_.end() || place->key != key) return std::nullopt;
    return place->serial;
}

}  // namespace kassi::store
