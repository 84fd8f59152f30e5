#include "sandbox/box_office/reading.hpp"

#include <nlohmann/json.hpp>

namespace kassi::sandbox::box_office {
namespace {

constexpr std::size_t text_bytes_max = 4096;

}  // namespace

std::string Value::text() const {
    if (!value_.is_string()) wrong("is not a text");
    auto text = value_.get<std::string>();
    if (text.empty() || text.size() > text_bytes_max) wrong("is empty or too long");
    return text;
}

std::int64_t Value::number(std::int64_t from, std::int64_t to) const {
    if (!value_.is_number_integer()) wrong("is not a whole number");
    const auto number = value_.get<std::int64_t>();
    if (number < from || number > to)
        wrong("is not between " + std::to_string(from) + " and " + std::to_string(to));
    return number;
}

bool Value::flag() const {
    if (!value_.is_boolean()) wrong("is neither true nor false");
    return value_.get<bool>();
}

std::vector<Value> Value::list() const {
    if (!value_.is_array()) wrong("is not a list");
    std::vector<Value> elements;
    for (std::size_t i = 0; i < value_.size(); ++i)
        elements.emplace_back(value_[i], place_ + "[" + std::to_string(i) + "]");
    return elements;
}

std::vector<std::string> Value::texts() const {
    std::vector<std::string> all;
    for (const auto& element : list()) all.push_back(element.text());
    return all;
}

std::vector<std::pair<std::string, Value>> Value::members() const {
    if (!value_.is_object()) wrong("is not an object");
    std::vector<std::pair<std::string, Value>> all;
    for (const auto& [name, member] : value_.items())
        all.emplace_back(name, Value(member, place_ + "." + name));
    return all;
}

Weekdays Value::weekdays() const {
    Weekdays days = 0;
    for (const auto& element : list()) {
        const auto day = weekday_named(element.text());
        if (!day) element.wrong("is no day of the week (\"sun\" to \"sat\")");
        days = static_cast<Weekdays>(days | *day);
    }
    return days;
}

int Value::time() const {
    const auto minutes = read_time(text());
    if (!minutes) wrong("is no time of the day (\"15:30\")");
    return *minutes;
}

Object::Object(const Value& value, std::string place)
    : value_(value.json()), place_(place.empty() ? value.place() : std::move(place)) {
    if (!value_.is_object()) throw Wrong{place_, "is not an object"};
}

Value Object::at(std::string_view name) {
    asked_.emplace(name);
    const auto found = value_.find(name);
    auto place = place_ + "." + std::string(name);
    if (found == value_.end()) throw Wrong{std::move(place), "is missing"};
    return {*found, std::move(place)};
}

bool Object::has(std::string_view name) {
    asked_.emplace(name);
    return value_.contains(name);
}

std::string Object::text_or(std::string_view name, std::string otherwise) {
    return has(name) ? at(name).text() : std::move(otherwise);
}

std::int64_t Object::number_or(std::string_view name, std::int64_t from, std::int64_t to,
                               std::int64_t otherwise) {
    return has(name) ? at(name).number(from, to) : otherwise;
}

bool Object::flag_or(std::string_view name, bool otherwise) {
    return has(name) ? at(name).flag() : otherwise;
}

std::vector<std::string> Object::texts_or_none(std::string_view name) {
    return has(name) ? at(name).texts() : std::vector<std::string>();
}

std::vector<Value> Object::list_or_none(std::string_view name) {
    return has(name) ? at(name).list() : std::vector<Value>();
}

void Object::nothing_else() const {
    for (const auto& [name, member] : value_.items())
        if (!asked_.contains(name)) throw Wrong{place_ + "." + name, "is not known here"};
}

}  // namespace kassi::sandbox::box_office
