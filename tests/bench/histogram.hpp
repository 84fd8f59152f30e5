#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace kassi::bench {

/// Times in microseconds, each kept to within 1/64 of itself: 64 steps for every doubling.
class Histogram {
  public:
    void add(std::uint64_t micros) {
        ++counts_[place(micros)];
        ++total_;
    }
    /// Microseconds that `share` (0..1) of all times do not exceed; 0 when there are none.
    [[nodiscard]] std::uint64_t at(double share) const {
        if (total_ == 0) return 0;
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_ - 1)) + 1;
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen >= wanted) return value(i);
        }
        return value(counts_.size() - 1);
    }
    [[nodiscard]] std::uint64_t count() const { return total_; }

  private:
    static constexpr unsigned step_bits = 6;
    static constexpr std::size_t steps = std::size_t{1} << step_bits;
    static constexpr std::size_t doublings = 30;  ///< up to some 19 hours

    static std::size_t place(std::uint64_t micros) {
        if (micros < steps) return static_cast<std::size_t>(micros);
        const auto shift = static_cast<unsigned>(std::bit_width(micros)) - step_bits - 1;
        const std::size_t at = (shift + 1) * steps + static_cast<std::size_t>((micros >> shift) - steps);
        return at < steps * doublings ? at : steps * doublings - 1;
    }
    static std::uint64_t value(std::size_t at) {
        if (at < steps) return at;
        return (at % steps + steps) << (at / steps - 1);
    }

    std::array<std::uint64_t, steps * doublings> counts_{};
    std::uint64_t total_ = 0;
};

}  // namespace kassi::bench
