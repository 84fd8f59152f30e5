#include "sandbox/box_office/search.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "api/f13/request.hpp"
#include "base/text.hpp"
#include "sandbox/box_office/costs.hpp"
#include "sandbox/box_office/fold.hpp"

namespace kassi::sandbox::box_office {
namespace {

constexpr double earth_radius_km = 6371;

// ---- parameters ---------------------------------------------------------------------------------------
const std::string* either(const Fields& fields, std::string_view& name, std::string_view other) {
    const auto* value = find_field(fields, name);
    if (value == nullptr) {
        value = find_field(fields, other);
        if (value != nullptr) name = other;
    }
    return value;
}

Result<std::int64_t> read_number(const Fields& fields, std::string_view name, std::string_view other,
                                 std::int64_t from, std::int64_t to, std::int64_t otherwise) {
    const auto* text = either(fields, name, other);
    if (text == nullptr || text->empty()) return otherwise;
    std::int64_t number = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (problem != std::errc() || end != text->data() + text->size() || number < from || number > to)
        return bad_request(std::string(name),
                           "is not a number from " + std::to_string(from) + " to " + std::to_string(to));
    return number;
}

/// Commas and blanks part the words.
Result<std::vector<std::string>> read_keywords(const std::string& text) {
    constexpr std::string_view field = "keywords";
    if (text.size() > keywords_bytes_max) return bad_request(std::string(field), "is too long");
    std::vector<std::string> words;
    const auto folded = fold(text);
    for (std::size_t at = 0; at < folded.size();) {
        const auto end = std::min(folded.find_first_of(", \t", at), folded.size());
        if (end > at) words.push_back(folded.substr(at, end - at));
        at = end + 1;
    }
    if (words.size() > keywords_max) return bad_request(std::string(field), "has too many words");
    return words;
}

std::optional<double> read_double(std::string_view text) {
    double number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
        return std::nullopt;
    return number;
}

Result<Circle> read_circle(std::string_view text) {
    constexpr double latitude_max = 90, longitude_max = 180;
    const auto wrong = bad_request("circle", "is not latitude:longitude:kilometres");
    const auto first = text.find(':');
    const auto second = first == std::string_view::npos ? first : text.find(':', first + 1);
    if (second == std::string_view::npos) return wrong;
    const auto latitude = read_double(text.substr(0, first));
    const auto longitude = read_double(text.substr(first + 1, second - first - 1));
    const auto radius = read_double(text.substr(second + 1));
    if (!latitude || !longitude || !radius) return wrong;
    if (std::abs(*latitude) > latitude_max || std::abs(*longitude) > longitude_max || *radius < 0 ||
        *radius > radius_km_max)
        return bad_request("circle", "is nowhere on earth");
    return Circle{*latitude, *longitude, *radius};
}

Result<SortOrder> read_order(std::string_view text) {
    constexpr std::pair<std::string_view, SortOrder> orders[] = {
        {"alphabetic", SortOrder::alphabetic},
        {"most_popular", SortOrder::most_popular},
        {"cost_ascending", SortOrder::cost_ascending},
        {"cost_descending", SortOrder::cost_descending},
        {"critic_rating", SortOrder::critic_rating},
        {"recent", SortOrder::recent},
        {"last_sale", SortOrder::last_sale}};
    for (const auto& [word, order] : orders)
        if (word == text) return order;
    return bad_request("sort_order", "is no order that is known here");
}

// ---- sorting ------------------------------------------------------------------------------------------
/// What the numbers on the labels say: there are no rates of exchange here.
struct Label {
    std::int64_t minor = 0;
    int places = 0;
};
bool cheaper(const Label& left, const Label& right) {
    constexpr std::int64_t powers[] = {1, 10, 100, 1000};
    return left.minor * powers[right.places] < right.minor * powers[left.places];
}
Label label(const Event& event, bool dearest) {
    const auto range = cost_range(default_tickets(event));
    const auto minor = !range ? 0 : dearest ? range->cost_max : range->cost_min;
    return {minor, event.currency.places()};
}

bool before(SortOrder order, const Event& left, const Event& right) {
    switch (order) {
        case SortOrder::most_popular:
            return left.popularity > right.popularity;
        case SortOrder::cost_ascending:
            return cheaper(label(left, false), label(right, false));
        case SortOrder::cost_descending:
            return cheaper(label(right, true), label(left, true));
        case SortOrder::critic_rating:
            return left.critic_percent > right.critic_percent;
        case SortOrder::recent:
            return left.first_seen > right.first_seen;
        case SortOrder::last_sale:
            return left.last_sale_minutes < right.last_sale_minutes;
        case SortOrder::alphabetic:
            break;
    }
    return false;  // the catalogue is in alphabetic order, and so is what is equal otherwise
}

bool matches(const Event& event, const Query& query, Instant now) {
    if (event.is_add_on || (event.dead && !query.include_dead)) return false;
    if (!query.country_code.empty() && event.city.country_code != query.country_code) return false;
    if (!query.city_code.empty() && event.city.code != query.city_code) return false;
    if (query.circle && !query.circle->contains(event)) return false;
    const bool found = std::all_of(
        query.keywords.begin(), query.keywords.end(),
        [&](const std::string& word) { return event.search_text.find(word) != std::string::npos; });
    return found && is_on(event, query.dates, now);
}

}  // namespace

Result<Page> read_page(const Fields& fields) {
    const auto number = read_number(fields, "page_no", "page_number", 0, page_number_max, 0);
    if (!number) return number.error();
    const auto length =
        read_number(fields, "page_len", "page_length", 1, page_length_max, page_length_default);
    if (!length) return length.error();
    return Page{*number, *length};
}

std::int64_t PagingStatus::pages_remaining() const {
    return (remaining() + page.length - 1) / page.length;
}

PagingStatus paging(const Page& page, std::size_t total) {
    PagingStatus status{page, static_cast<std::int64_t>(total), 0, 0};
    status.first = std::min(status.total, page.number * page.length);
    status.end = std::min(status.total, status.first + page.length);
    return status;
}

bool Circle::contains(const Event& event) const {
    const auto radians = [](double degrees) { return degrees * std::numbers::pi / 180; };
    const double half_latitude = radians(event.latitude - latitude) / 2;
    const double half_longitude = radians(event.longitude - longitude) / 2;
    const double h = std::sin(half_latitude) * std::sin(half_latitude) +
                     std::cos(radians(latitude)) * std::cos(radians(event.latitude)) *
                         std::sin(half_longitude) * std::sin(half_longitude);
    return 2 * earth_radius_km * std::asin(std::min(1.0, std::sqrt(h))) <= radius_km;
}

Result<Query> read_query(const Fields& fields) {
    Query query;
    if (const auto* text = find_field(fields, "keywords")) {
        auto words = read_keywords(*text);
        if (!words) return words.error();
        query.keywords = std::move(*words);
    }
    if (const auto* text = find_field(fields, "date_range"); text != nullptr && !text->empty()) {
        const auto range = read_date_range(*text, "date_range");
        if (!range) return range.error();
        query.dates = *range;
    }
    for (const auto& [name, target] :
         {std::pair{"country_code", &query.country_code}, {"city_code", &query.city_code}})
        if (const auto* text = find_field(fields, name)) *target = ascii_lower(*text);
    if (const auto* text = find_field(fields, "circle"); text != nullptr && !text->empty()) {
        const auto circle = read_circle(*text);
        if (!circle) return circle.error();
        query.circle = *circle;
    }
    for (const auto* name : {"include_dead", "add_dead_events"}) {
        const auto flag = api::f13::read_flag(fields, name);
        if (!flag) return flag.error();
        query.include_dead = query.include_dead || *flag;
    }
    if (const auto* text = find_field(fields, "sort_order"); text != nullptr && !text->empty()) {
        const auto order = read_order(*text);
        if (!order) return order.error();
        query.order = *order;
    }
    return query;
}

std::vector<const Event*> search(const Catalogue& catalogue, const Query& query, Instant now) {
    std::vector<const Event*> found;
    for (const auto& event : catalogue.events)
        if (matches(event, query, now)) found.push_back(&event);
    std::stable_sort(found.begin(), found.end(), [&](const Event* left, const Event* right) {
        return before(query.order, *left, *right);
    });
    return found;
}

}  // namespace kassi::sandbox::box_office
