#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "sandbox/box_office/reading.hpp"

namespace kassi::sandbox::box_office {
namespace {

constexpr std::string_view house_name = "house.json";
constexpr int utc_offset_max = 14 * 60;
constexpr std::int64_t send_cost_max = 1'000'000;
constexpr int lead_days_max = 90, age_max = 120;

Currency read_currency(const Value& value) {
    const auto currency = Currency::parse(value.text(), "currency");
    if (!currency) value.wrong("is no currency");
    return *currency;
}

City read_city(const std::string& code, const Value& value, const api::f13::Countries& countries) {
    Object object(value);
    City city;
    city.code = code;
    city.description = object.at("name").text();
    const auto country = object.at("country");
    city.country_code = country.text();
    const auto known = std::find_if(countries.begin(), countries.end(),
                                    [&](const auto& each) { return each.first == city.country_code; });
    if (known == countries.end()) country.wrong("is no country of house.json");
    city.country = known->second;
    city.utc_offset_minutes =
        static_cast<int>(object.number_or("utc_offset_minutes", -utc_offset_max, utc_offset_max, 0));
    object.nothing_else();
    return city;
}

SendMethod read_send_method(const std::string& code, const Value& value, const api::f13::Countries& known) {
    Object object(value);
    SendMethod method;
    method.printed.code = code;
    method.printed.description = object.at("name").text();
    const auto type = object.at("type");
    method.printed.type = type.text();
    if (method.printed.type != "collect" && method.printed.type != "post" &&
        method.printed.type != "selfprint")
        type.wrong("is neither collect nor post nor selfprint");
    method.printed.cost = object.at("cost").number(0, send_cost_max);
    method.currency = read_currency(object.at("currency"));
    method.lead_days = static_cast<int>(object.number_or("lead_days", 0, lead_days_max, 0));
    for (const auto& permitted : object.list_or_none("countries")) {
        const auto country = std::find_if(known.begin(), known.end(),
                                          [&](const auto& each) { return each.first == permitted.text(); });
        if (country == known.end()) permitted.wrong("is no country of house.json");
        method.printed.permitted.push_back(*country);
    }
    object.nothing_else();
    return method;
}

DiscountKind read_discount_kind(const Value& value) {
    static constexpr std::string_view types[] = {"bluelight", "carer",    "child",   "disabled",
                                                 "infant",    "military", "senior",  "student",
                                                 "unwaged",   "youth",    "standard"};
    Object object(value);
    DiscountKind kind;
    kind.description = object.at("name").text();
    const auto type = object.at("type");
    kind.semantic_type = type.text();
    // Others break the client that reads them.
    if (std::find(std::begin(types), std::end(types), kind.semantic_type) == std::end(types))
        type.wrong("is no kind of customer that F13 knows");
    kind.minimum_age = static_cast<int>(object.number_or("minimum_age", 1, age_max, 0));
    kind.maximum_age = static_cast<int>(object.number_or("maximum_age", 1, age_max, 0));
    object.nothing_else();
    return kind;
}

SeatMap read_seat_map(const Value& value) {
    Object object(value);
    SeatMap map;
    for (auto& seat : object.at("restricted_view").texts()) map.restricted.insert(std::move(seat));
    for (const auto& [seat, text] : object.at("texts").members()) map.texts[seat] = text.text();
    object.nothing_else();
    return map;
}

HouseFile read_house(const Value& value, Catalogue& catalogue) {
    Object object(value);
    HouseFile house;
    for (const auto& [code, name] : object.at("countries").members())
        catalogue.countries.emplace_back(code, name.text());
    for (const auto& [code, city] : object.at("cities").members())
        catalogue.cities.emplace(code, read_city(code, city, catalogue.countries));
    for (const auto& [code, name] : object.at("sources").members()) catalogue.sources[code] = name.text();
    for (const auto& [code, method] : object.at("send_methods").members())
        catalogue.send_methods.emplace(code, read_send_method(code, method, catalogue.countries));
    for (const auto& [code, kind] : object.at("discounts").members())
        house.discounts[code] = read_discount_kind(kind);
    for (const auto& [name, map] : object.at("seat_maps").members())
        house.seat_maps[name] = read_seat_map(map);
    for (const auto& [code, name] : object.at("classes").members()) house.classes[code] = name.text();
    object.nothing_else();
    return house;
}

nlohmann::json parsed(const CatalogueFile& file) {
    auto json = parse_json(file.text, "file");
    if (!json) throw Wrong{std::string(file.name), json.error().message};
    return std::move(*json);
}

/// What an event says of others.
void check_neighbours(const Catalogue& catalogue, const std::map<std::string, std::string>& places) {
    for (const auto& event : catalogue.events) {
        for (const auto& id : event.upsells) {
            const auto* other = catalogue.event(id);
            if (other == nullptr || other->is_add_on || id == event.id)
                throw Wrong{places.at(event.id) + ".upsells", id + " is no other event"};
        }
        for (const auto& id : event.add_ons) {
            const auto* other = catalogue.event(id);
            if (other == nullptr || !other->is_add_on)
                throw Wrong{places.at(event.id) + ".add_ons", id + " is no add-on"};
            if (other->source == event.source && other->currency != event.currency)
                throw Wrong{places.at(event.id) + ".add_ons", id + " has another currency"};
        }
    }
}

Catalogue read(std::span<const CatalogueFile> files) {
    const auto house_file =
        std::find_if(files.begin(), files.end(), [](const auto& file) { return file.name == house_name; });
    if (house_file == files.end()) throw Wrong{std::string(house_name), "is missing"};
    Catalogue catalogue;
    const auto house_json = parsed(*house_file);
    const auto house = read_house(Value(house_json, std::string(house_name) + ": "), catalogue);
    std::map<std::string, std::string> places;
    for (const auto& file : files) {
        if (file.name == house_name) continue;
        const auto json = parsed(file);
        const auto name = std::string(file.name) + ": ";
        for (const auto& value : Value(json, name).list()) {
            Object object(value);
            const auto id = object.at("event_id").text();
            if (!places.emplace(id, name + id).second)
                throw Wrong{name + id, "is there already (" + places[id] + ")"};
            catalogue.events.push_back(read_event(Value(value.json(), places[id]), catalogue, house));
        }
    }
    std::sort(catalogue.events.begin(), catalogue.events.end(), [](const Event& left, const Event& right) {
        return std::tie(left.description, left.id) < std::tie(right.description, right.id);
    });
    check_neighbours(catalogue, places);
    return catalogue;
}

}  // namespace

Result<Catalogue> read_catalogue(std::span<const CatalogueFile> files) {
    try {
        return read(files);
    } catch (const Wrong& wrong) {
        return bad_request(wrong.place, wrong.what);
    }
}

}  // namespace kassi::sandbox::box_office
