#pragma once

#include <cstddef>
#include <functional>
#include <unordered_map>
#include <utility>

namespace kassi {

/// What was kept or asked for last, at most so many bytes of it. Everything on one thread.
template <class Key, class Value, class Hash = std::hash<Key>>
class Recent {
  public:
    explicit Recent(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    /// nullptr: it is not kept. Good until the next call.
    const Value* find(const Key& key) {
        if (const auto found = young_.find(key); found != young_.end()) return &found->second.value;
        auto node = old_.extract(key);
        if (node.empty()) return nullptr;
        make_room(node.mapped().bytes);
        return &young_.insert(std::move(node)).position->second.value;
    }
    /// `bytes`: what it counts for. What is too large is not kept.
    void keep(Key key, Value value, std::size_t bytes) {
        drop(key);
        if (bytes > bytes_max_ / 2) return;
        make_room(bytes);
        young_.emplace(std::move(key), Entry{std::move(value), bytes});
    }
    void drop(const Key& key) {
        old_.erase(key);
        if (const auto found = young_.find(key); found != young_.end()) {
            young_bytes_ -= found->second.bytes;
            young_.erase(found);
        }
    }

  private:
    struct Entry {
        Value value;
        std::size_t bytes;
    };
    using Entries = std::unordered_map<Key, Entry, Hash>;

    void make_room(std::size_t bytes) {
        if (young_bytes_ + bytes > bytes_max_ / 2) {
            old_ = std::exchange(young_, {});
            young_bytes_ = 0;
        }
        young_bytes_ += bytes;
    }

    const std::size_t bytes_max_;
    // What is asked for moves from the old ones to the young ones. When these are half of what may be kept,
    // they become the old ones, and what nobody asked for meanwhile goes.
    Entries young_, old_;
    std::size_t young_bytes_ = 0;
};

}  // namespace kassi
