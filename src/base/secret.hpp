#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace kassi {

/// Overwrites memory in a way the compiler keeps (OPENSSL_cleanse).
void wipe(void* data, std::size_t size) noexcept;

/// A value that cannot be printed, logged, compared by accident or serialised; wiped on destruction.
/// `reveal()` is the one way out, easy to search for. tests/unit/base/must_not_compile proves the rest.
template <class T = std::string>
class Secret {
  public:
    Secret() = default;
    explicit Secret(T value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret& operator=(const Secret& other) {
        if (this != &other) {
            clear();
            value_ = other.value_;
        }
        return *this;
    }
    Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.clear(); }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            clear();
            value_ = std::move(other.value_);
            other.clear();
        }
        return *this;
    }
    ~Secret() { clear(); }

    [[nodiscard]] const T& reveal() const { return value_; }
    [[nodiscard]] bool empty() const { return value_.empty(); }
    bool operator==(const Secret&) const = delete;

  private:
    // Up to the capacity: a short string that was moved from keeps its bytes beyond its new size.
    void clear() noexcept {
        value_.resize(value_.capacity());
        wipe(value_.data(), value_.size() * sizeof(typename T::value_type));
        value_.clear();
    }
    T value_;
};

template <class T>
std::ostream& operator<<(std::ostream&, const Secret<T>&) = delete;

}  // namespace kassi
