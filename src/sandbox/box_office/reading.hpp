#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/box_office/catalogue.hpp"

/// How the files of the catalogue are read: everything that is wrong has a place. Inside only; what goes out
/// is read_catalogue().
namespace kassi::sandbox::box_office {

/// Thrown while reading, caught by read_catalogue().
struct Wrong {
    std::string place, what;
};

/// A value, and where it stands.
class Value {
  public:
    Value(const nlohmann::json& value, std::string place) : value_(value), place_(std::move(place)) {}
    [[nodiscard]] const std::string& place() const { return place_; }
    [[noreturn]] void wrong(std::string what) const { throw Wrong{place_, std::move(what)}; }
    /// Not empty, at most 4096 bytes.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::int64_t number(std::int64_t from, std::int64_t to) const;
    [[nodiscard]] bool flag() const;
    /// Its elements; "a[0]", "a[1]", ...
    [[nodiscard]] std::vector<Value> list() const;
    [[nodiscard]] std::vector<std::string> texts() const;
    /// Members in alphabetical order.
    [[nodiscard]] std::vector<std::pair<std::string, Value>> members() const;
    [[nodiscard]] Weekdays weekdays() const;  ///< ["sat", "sun"]
    [[nodiscard]] int time() const;           ///< "15:30", minutes since midnight
    [[nodiscard]] const nlohmann::json& json() const { return value_; }

  private:
    const nlohmann::json& value_;
    std::string place_;
};

/// An object: what it must have, what it may have, and nothing else.
class Object {
  public:
    /// `place` instead of the value's own where an element is better known by a name.
    explicit Object(const Value& value, std::string place = {});
    [[nodiscard]] Value at(std::string_view name);
    [[nodiscard]] bool has(std::string_view name);
    [[nodiscard]] std::string text_or(std::string_view name, std::string otherwise = {});
    [[nodiscard]] std::int64_t number_or(std::string_view name, std::int64_t from, std::int64_t to,
                                         std::int64_t otherwise);
    [[nodiscard]] bool flag_or(std::string_view name, bool otherwise);
    [[nodiscard]] std::vector<std::string> texts_or_none(std::string_view name);
    [[nodiscard]] std::vector<Value> list_or_none(std::string_view name);
    [[nodiscard]] const std::string& place() const { return place_; }
    /// Throws when there is a name that nobody asked for.
    void nothing_else() const;

  private:
    const nlohmann::json& value_;
    std::string place_;
    std::set<std::string, std::less<>> asked_;
};

/// What events are read with: house.json.
struct DiscountKind {
    std::string description, semantic_type;
    int minimum_age = 0, maximum_age = 0;
};
struct SeatMap {
    std::set<std::string> restricted;
    std::map<std::string, std::string> texts;
};
struct HouseFile {
    std::map<std::string, DiscountKind> discounts;
    std::map<std::string, SeatMap> seat_maps;
    std::map<std::string, std::string> classes;
};
Event read_event(const Value& value, const Catalogue& known, const HouseFile& house);

}  // namespace kassi::sandbox::box_office
