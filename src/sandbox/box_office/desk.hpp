#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/f13/door.hpp"
#include "sandbox/box_office/print.hpp"
#include "sandbox/box_office/trolley.hpp"

/// Everything of the booking side that only looks: events, performances, availability, trolleys. It knows
/// neither engine nor store, so that a catalogue under load costs payments nothing.
namespace kassi::sandbox::box_office {

inline constexpr std::size_t ids_max = 100;  ///< event_id_list, perf_id_list

struct DeskParts {
    const Catalogue& catalogue;
    api::f13::House house;
    Secret<> token_key;
    std::function<Instant()> now;
};

class Desk {
  public:
    explicit Desk(DeskParts parts) : parts_(std::move(parts)) {}
    [[nodiscard]] std::vector<api::f13::BoxOffice::Endpoint> endpoints() const;
    /// The answer as JSON. `endpoint` is one of endpoints(). Errors: bad_request naming the parameter.
    [[nodiscard]] Result<std::string> answer(std::string_view endpoint, const engine::Caller& caller,
                                             const Fields& fields) const;

  private:
    using Serve = Result<std::string> (Desk::*)(const engine::Caller&, const Fields&) const;
    struct Served {
        std::string_view name;
        Serve serve;
    };
    static const std::vector<Served>& served();

    Result<std::string> events(const engine::Caller&, const Fields& fields) const;
    Result<std::string> events_by_id(const engine::Caller&, const Fields& fields) const;
    Result<std::string> months(const engine::Caller&, const Fields& fields) const;
    Result<std::string> performances_of(const engine::Caller&, const Fields& fields) const;
    Result<std::string> performances_by_id(const engine::Caller&, const Fields& fields) const;
    Result<std::string> availability(const engine::Caller&, const Fields& fields) const;
    Result<std::string> discounts(const engine::Caller&, const Fields& fields) const;
    Result<std::string> send_methods(const engine::Caller&, const Fields& fields) const;
    Result<std::string> trolley(const engine::Caller& caller, const Fields& fields) const;
    Result<std::string> upsells(const engine::Caller&, const Fields& fields) const;
    Result<std::string> add_ons(const engine::Caller&, const Fields& fields) const;

    [[nodiscard]] Result<const Event*> event_of(const Fields& fields) const;
    [[nodiscard]] Result<Found> performance_of(const Fields& fields) const;
    [[nodiscard]] Result<std::string> related(const Fields& fields,
                                              const std::vector<std::string> Event::*list) const;

    DeskParts parts_;
};

}  // namespace kassi::sandbox::box_office
