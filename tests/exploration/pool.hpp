#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "tests/exploration/world.hpp"

/// States in little memory: of some millions of states, the parts are some thousands.
namespace kassi::exploration {

/// All but the legs.
struct Frame {
    core::Transaction transaction;  ///< without legs
    std::optional<core::Journey> journey;
    int tries = 0;
    bool copied = false;
    std::optional<Copy> copy;
    int room = 0;  ///< of a key: what still fits into the hold
    bool operator==(const Frame&) const = default;
};
struct Part {
    std::optional<core::Leg> leg;
    House house;
    std::optional<core::Parcel> parcel;
    bool operator==(const Part&) const = default;
};

inline constexpr std::size_t legs_max = 3;
/// Numbers of a frame and of the parts; 0 no such leg.
using Packed = std::array<std::uint32_t, 1 + legs_max>;
struct PackedHash {
    std::size_t operator()(const Packed& packed) const;
};

std::size_t hash_of(const Frame& frame);
std::size_t hash_of(const Part& part);

/// Each value once.
template <class T>
class Pool {
  public:
    std::uint32_t number(const T& value) {
        const auto hash = hash_of(value);
        for (auto [found, end] = numbers_.equal_range(hash); found != end; ++found)
            if (values_[found->second] == value) return found->second + 1;
        values_.push_back(value);
        numbers_.emplace(hash, static_cast<std::uint32_t>(values_.size() - 1));
        return static_cast<std::uint32_t>(values_.size());
    }
    [[nodiscard]] const T& of(std::uint32_t number) const { return values_[number - 1]; }
    [[nodiscard]] std::size_t size() const { return values_.size(); }

  private:
    std::deque<T> values_;
    std::unordered_multimap<std::size_t, std::uint32_t> numbers_;
};

class Pools {
  public:
    /// Faults are not packed: states that differ in nothing else are the same one, with more or fewer of them
    /// to come.
    Packed pack(const State& state, int room = 0);
    [[nodiscard]] State unpack(const Packed& packed) const;
    [[nodiscard]] std::size_t frames() const { return frames_.size(); }
    [[nodiscard]] std::size_t parts() const { return parts_.size(); }

  private:
    Pool<Frame> frames_;
    Pool<Part> parts_;
};

}  // namespace kassi::exploration
