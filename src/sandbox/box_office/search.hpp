#pragma once

#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "sandbox/box_office/schedule.hpp"

/// events.v1: which events, in which order, and which page of them. Pure.
namespace kassi::sandbox::box_office {

inline constexpr std::int64_t page_length_default = 50;
inline constexpr std::int64_t page_length_max = 500;
inline constexpr std::int64_t page_number_max = 1'000'000;
inline constexpr std::size_t keywords_max = 20;
inline constexpr std::size_t keywords_bytes_max = 512;
inline constexpr double radius_km_max = 20'100;  ///< further than that is nowhere

struct Page {
    std::int64_t number = 0;  ///< from 0
    std::int64_t length = page_length_default;
};
/// page_no and page_len, or page_number and page_length. Errors: bad_request naming the parameter.
Result<Page> read_page(const Fields& fields);

struct PagingStatus {
    Page page;
    std::int64_t total = 0;
    std::int64_t first = 0, end = 0;  ///< what is on the page: [first, end)
    [[nodiscard]] std::int64_t remaining() const { return total - end; }
    [[nodiscard]] std::int64_t pages_remaining() const;
};
PagingStatus paging(const Page& page, std::size_t total);
template <class T>
std::vector<T> on_page(const std::vector<T>& all, const PagingStatus& status) {
    return {all.begin() + status.first, all.begin() + status.end};
}

enum class SortOrder {
    alphabetic,
    most_popular,
    cost_ascending,
    cost_descending,
    critic_rating,
    recent,
    last_sale
};

struct Circle {
    double latitude = 0, longitude = 0, radius_km = 0;
    [[nodiscard]] bool contains(const Event& event) const;
};

struct Query {
    std::vector<std::string> keywords;  ///< folded; all must occur
    DateRange dates;
    std::string country_code, city_code;
    std::optional<Circle> circle;
    bool include_dead = false;
    SortOrder order = SortOrder::alphabetic;
};
/// Errors: bad_request naming the parameter.
Result<Query> read_query(const Fields& fields);

/// Add-ons are never found: they come with what they belong to.
std::vector<const Event*> search(const Catalogue& catalogue, const Query& query, Instant now);

}  // namespace kassi::sandbox::box_office
