#include "store/claim_index.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "store/copy.hpp"

namespace kassi::store {
namespace {

constexpr const char* indexed_until_name = "once_indexed_until";

std::int64_t indexed_until(Database& database) {
    const std::string text = meta_of(database, indexed_until_name).value_or("");
    std::int64_t serial = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), serial);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size())
        throw std::runtime_error("the store is broken: meta.once_indexed_until is no number");
    return serial;
}

}  // namespace

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
    std::copy(bytes.begin(), bytes.end(), key.begin());
    return key;
}

ClaimIndex::ClaimIndex(Database& database, std::size_t enough)
    : find_(database, "SELECT 1 FROM once_key WHERE key_hmac = ?"),
      // What a crash left half done is done again.
      insert_(database, "INSERT INTO once_key VALUES (?, ?) ON CONFLICT DO NOTHING"),
      put_until_(database, "UPDATE meta SET value = ? WHERE name = 'once_indexed_until'"),
      enough_(enough) {
    std::vector<Entry> found;
    Statement waiting(database,
                      "SELECT key_hmac, serial FROM once WHERE serial > ? AND own = 0 ORDER BY serial");
    for (Rows rows(waiting, indexed_until(database)); rows.next();)
        found.push_back({to_key(rows.text(0)), rows.integer(1)});
    if (!found.empty()) last_serial_ = found.back().serial;
    if (found.size() >= enough_)
        begin_batch(std::move(found));
    else
        for (const Entry& entry : found) newest_.emplace(entry.key, entry.serial);
}

bool ClaimIndex::has(const ClaimKey& key) {
    if (!key.own && find_waiting(to_key(key.hmac))) return true;  // only this thread changes what waits
    Rows rows(find_, Blob{key.hmac});
    return rows.next();
}

void ClaimIndex::add(const ClaimKey& key, std::int64_t serial) {
    if (key.own) return insert_.run(Blob{key.hmac}, serial);
    const Key waits = to_key(key.hmac);
    added_.push_back(waits);
    last_serial_ = serial;
    const std::lock_guard lock(mutex_);
    newest_.emplace(waits, serial);
}

void ClaimIndex::move_some() {
    if (batch_.empty()) return;
    const std::size_t until = std::min(moved_ + 2 * added_.size(), batch_.size());
    for (; moved_ < until; ++moved_) {
        const Entry& entry = batch_[moved_];
        insert_.run(Blob{std::string_view(entry.key.data(), entry.key.size())}, entry.serial);
    }
    if (moved_ == batch_.size()) put_until_.run(std::to_string(batch_until_));
}

void ClaimIndex::committed() {
    added_.clear();
    moved_before_ = moved_;
    if (!batch_.empty() && moved_ == batch_.size()) begin_batch({});
    if (!batch_.empty() || newest_.size() < enough_) return;
    std::vector<Entry> all;
    all.reserve(newest_.size());
    for (const auto& [key, serial] : newest_) all.push_back({key, serial});
    begin_batch(std::move(all));
}

void ClaimIndex::rolled_back() {
    moved_ = moved_before_;
    const std::lock_guard lock(mutex_);
    for (const Key& key : added_) newest_.erase(key);
    added_.clear();
}

/// All that waits, or none.
void ClaimIndex::begin_batch(std::vector<Entry> entries) {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& one, const Entry& other) { return one.key < other.key; });
    moved_ = moved_before_ = 0;
    batch_until_ = last_serial_;
    const std::lock_guard lock(mutex_);
    batch_ = std::move(entries);
    if (!batch_.empty()) newest_.clear();
}

std::optional<std::int64_t> ClaimIndex::waiting(std::string_view key) const {
    const Key wanted = to_key(key);
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
