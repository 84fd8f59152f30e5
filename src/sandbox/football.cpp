#include "sandbox/football.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/money.hpp"

namespace kassi::sandbox {
namespace {

namespace ticket_order = api::ticket_order;
using ticket_order::Faults;
using ticket_order::TicketOrder;

constexpr std::string_view title = "Reykjavik Harbour - Akureyri North";
constexpr std::string_view place = "Harbour Field, Reykjavik";
constexpr std::chrono::hours kick_off_hour{16};
constexpr std::chrono::hours match{2};
constexpr std::string_view time_zone = "Atlantic/Reykjavik";

const FootballTicket* ticket_of(std::int32_t type) {
    const auto& all = football_tickets();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [type](const FootballTicket& ticket) { return ticket.type == type; });
    return found == all.end() ? nullptr : &*found;
}

Currency krona() {
    return *Currency::parse("ISK", "currency");
}

ticket_order::EventDetails event_info(Instant now) {
    const auto kick_off = football_kick_off(now);
    ticket_order::EventDetails event;
    event.id = football_event;
    event.name = std::string(title);
    event.description = "Football, premier division";
    event.time_of_event = ticket_order::date_of(kick_off);
    event.time_of_event_utc = event.time_of_event;
    event.end_of_event = ticket_order::date_of(kick_off + match);
    event.end_of_event_utc = event.end_of_event;
    event.time_zone = std::string(time_zone);
    event.event_active = true;
    event.sale_is_active = true;
    event.event_location_name = std::string(place);
    event.event_series_name = "Premier division";
    event.event_owner_name = "Reykjavik Harbour";
    event.team_away_name = "Akureyri North";
    return event;
}

/// What is theirs to say of the ticket, and nothing that is ours.
ticket_order::Ticket ticket_for(const TicketOrder& request) {
    ticket_order::Ticket ticket;
    ticket.event_id = football_event;
    ticket.device_id = request.order->device_id ? request.order->device_id : request.device_id;
    ticket.phone_verification_number = request.order->phone_verification_number
                                           ? request.order->phone_verification_number
                                           : request.phone_verification_number;
    return ticket;
}

class Football final : public ticket_order::Events {
  public:
    [[nodiscard]] ticket_order::Outcome<ticket_order::Offer> offer(const engine::Caller& caller,
                                                                   const TicketOrder& request,
                                                                   Instant now) override {
        static_cast<void>(caller);  // everybody may buy
        Faults faults;
        if (request.order->event_id != football_event)
            faults.push_back({"NotFound", "order.eventId", "is no event that is on sale"});
        ticket_order::Offer offer;
        offer.held_until = now + football_hold;
        offer.tickets.event_ticket = ticket_for(request);
        offer.tickets.event_info = event_info(now);
        auto& lines = offer.tickets.event_ticket_details.emplace();
        core::Bundle bundle;
        bundle.source = football_source;
        bundle.description = std::string(title);
        bundle.amount = {0, krona()};
        for (std::size_t i = 0; i < request.order_details->size(); ++i) {
            const auto& line = (*request.order_details)[i];
            const auto* sold = sold_as(line, "orderDetails[" + std::to_string(i) + "]", faults);
            if (sold == nullptr) continue;
            const Money amount{sold->price * line.count, krona()};
            bundle.amount.minor += amount.minor;
            bundle.orders.push_back({static_cast<std::int64_t>(i) + 1, amount, true});
            lines.push_back(details_of(line, *sold, amount));
        }
        if (!faults.empty()) return ticket_order::not_valid(std::move(faults));
        offer.bundles.push_back(std::move(bundle));
        return offer;
    }

  private:
    static const FootballTicket* sold_as(const ticket_order::TicketDetails& line, const std::string& path,
                                         Faults& faults) {
        const auto* sold = ticket_of(line.event_series_ticket_type.value_or(0));
        if (sold == nullptr) {
            faults.push_back({"NotFound", path + ".eventSeriesTicketType", "is no ticket of this event"});
            return nullptr;
        }
        if (line.ticket_price.units(0) == sold->price) return sold;
        faults.push_back({"Equal", path + ".ticketPrice", "must be the price that it is sold at"});
        return nullptr;
    }

    static ticket_order::TicketDetailsInfo details_of(const ticket_order::TicketDetails& line,
                                                      const FootballTicket& sold, const Money& amount) {
        ticket_order::TicketDetailsInfo details;
        details.event_series_ticket_type = sold.type;
        details.ticket_price = {sold.price, 0};
        details.total_price = {amount.minor, 0};
        details.count = line.count;
        details.ticket_name = std::string(sold.name);
        details.ticket_display_string = std::to_string(line.count) + " x " + std::string(sold.name);
        details.currency = std::string(amount.currency.code());
        return details;
    }
};

}  // namespace

const std::vector<FootballTicket>& football_tickets() {
    static const std::vector<FootballTicket> tickets{
        {1, "Adult", 4990}, {2, "Child", 1990}, {3, "Infant", 0}};
    return tickets;
}

std::string_view football_title() {
    return title;
}

Instant football_kick_off(Instant now) {
    const auto today = std::chrono::floor<std::chrono::days>(now);
    const std::chrono::weekday weekday(today);
    auto saturday = today + (std::chrono::Saturday - weekday);
    if (saturday + kick_off_hour + match <= now) saturday += std::chrono::days(7);
    return saturday + kick_off_hour;
}

std::shared_ptr<api::ticket_order::Events> football() {
    return std::make_shared<Football>();
}

}  // namespace kassi::sandbox
