#include "sandbox/shop/trolley.hpp"

#include <algorithm>
#include <iterator>

#include "sandbox/box_office/schedule.hpp"

namespace kassi::sandbox::shop {
namespace {

/// What is offered: performance, ticket type, price band.
struct Choice {
    std::string_view performance, ticket_type, price_band;
};
constexpr Choice choices[] = {
    {"7AB-4", "STALLS", "A"},
    {"7AA-4", "STALLS", "A"},
    {"6IF-B0G", "CIRCLE", "A"},
    {"6KF-F", "MEMBER", "X"},
};

std::string when_of(const box_office::Performance& performance) {
    if (!performance.day) return {};
    return box_office::date_text(*performance.day) + ", " + box_office::time_text(performance.minutes);
}

Offer offer_of(const box_office::Catalogue& catalogue, const Choice& choice, Instant now) {
    const auto found = box_office::find_performance(catalogue, choice.performance, now);
    KASSI_ENSURE(found.event != nullptr);
    const auto& event = *found.event;
    const auto* type = event.ticket_type(choice.ticket_type);
    const auto* band = event.price_band(choice.ticket_type, choice.price_band);
    KASSI_ENSURE(type != nullptr && band != nullptr);
    return {.performance = found.performance.id,
            .source = event.source,
            .source_name = catalogue.sources.find(event.source)->second,
            .title = event.description,
            .venue = event.venue,
            .when = when_of(found.performance),
            .ticket = type->description,
            .price = {band->discounts.front().cost(), event.currency},
            .quantities = event.quantities,
            .cancellable = event.cancellable};
}

bool is_offered(const Offer& offer, std::int64_t count) {
    return std::find(offer.quantities.begin(), offer.quantities.end(), count) != offer.quantities.end();
}

/// "2 × Toy Story - The Opera, 1 × V&A Memberships"
void describe(core::Bundle& bundle, std::int64_t count, const Offer& offer) {
    if (!bundle.description.empty()) bundle.description += ", ";
    bundle.description += std::to_string(count) + " × " + offer.title;
}

}  // namespace

std::vector<Offer> offers(const box_office::Catalogue& catalogue, Instant now) {
    std::vector<Offer> all;
    for (const auto& choice : choices) all.push_back(offer_of(catalogue, choice, now));
    return all;
}

const std::vector<Way>& ways() {
    static const std::vector<Way> all{
        {"get", "At the payment page, sent there by GET",
         "One callout for each bundle: two bundles are a chain of two. Play the customer there.",
         "demo-redirect"},
        {"post", "At the payment page, sent there by POST",
         "The same house; the browser is sent on with a form that submits itself.", "demo-redirect-post"},
        {"credit", "On credit", "The account owes it. One call, no page, done at once.", "demo"},
        {"mixed", "Mixed", "Backend 0 on credit, Backend 1 at the payment page, in one trolley.",
         "demo-mixed"},
        {"quiet", "A house that sends no notices",
         "Pay and walk away there: Kassi finds the money by asking, when time has passed.", "demo-quiet",
         true},
        {"silent", "A house that neither answers nor notifies",
         "All that is ever heard of it is the customer’s return. Walk away, and see what Kassi assumes.",
         "demo-silent", true},
        {"partial", "Partial purchases agreed",
         "Pay the first bundle and refuse the second: what is paid stays bought.", "demo-partial", true},
        {"again", "A second try agreed", "Refuse at the page, then pay another way within the hold.",
         "demo-again", true},
        {"owner", "The box office confirms",
         "Money is reserved first; you, as the box office, say whether the seats were got.", "demo-owner",
         true},
    };
    return all;
}

const Way* find_way(std::string_view key) {
    const auto found =
        std::find_if(ways().begin(), ways().end(), [key](const Way& way) { return way.key == key; });
    return found == ways().end() ? nullptr : &*found;
}

Result<Wish> read_wish(const Fields& fields, const std::vector<Offer>& offers) {
    Wish wish;
    for (const auto& offer : offers) {
        const auto* text = find_field(fields, offer.performance);
        if (text == nullptr || *text == "0") continue;
        const auto count = minor_from_decimal(*text, 0, offer.performance);
        if (!count) return count.error();
        if (!is_offered(offer, *count))
            return bad_request(offer.performance, "so many tickets are not offered");
        wish.tickets[offer.performance] = *count;
    }
    if (const auto* way = find_field(fields, "way")) {
        if (find_way(*way) == nullptr) return bad_request("way", "is no way of paying here");
        wish.way = *way;
    }
    if (const auto* hold = find_field(fields, "hold")) {
        const auto minutes = minor_from_decimal(*hold, 0, "hold");
        if (!minutes) return minutes.error();
        const auto known =
            std::find(std::begin(hold_minutes_choices), std::end(hold_minutes_choices), *minutes);
        if (known == std::end(hold_minutes_choices)) return bad_request("hold", "is not offered");
        wish.hold_minutes = *known;
    }
    return wish;
}

std::vector<core::Bundle> bundles(const Wish& wish, const std::vector<Offer>& offers) {
    std::map<std::string, core::Bundle> by_source;
    std::int64_t item = 0;
    for (const auto& offer : offers) {
        const auto wanted = wish.tickets.find(offer.performance);
        if (wanted == wish.tickets.end()) continue;
        const Money amount{offer.price.minor * wanted->second, offer.price.currency};
        auto& bundle = by_source[offer.source];
        bundle.source = offer.source;
        describe(bundle, wanted->second, offer);
        bundle.amount = {bundle.amount.minor + amount.minor, amount.currency};
        bundle.orders.push_back({++item, amount, offer.cancellable});
    }
    std::vector<core::Bundle> sorted;
    for (auto& [source, bundle] : by_source) sorted.push_back(std::move(bundle));
    return sorted;
}

Money total(const std::vector<core::Bundle>& bundles) {
    Money sum;
    for (const auto& bundle : bundles) {
        KASSI_ENSURE(sum.minor == 0 || sum.currency == bundle.amount.currency);
        sum = {sum.minor + bundle.amount.minor, bundle.amount.currency};
    }
    return sum;
}

}  // namespace kassi::sandbox::shop
