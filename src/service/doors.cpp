#include "service/doors.hpp"

#include <boost/asio/post.hpp>

#include "api/f13/door.hpp"
#include "api/f13/print.hpp"
#include "api/ops/ops.hpp"
#include "api/passwords.hpp"
#include "api/status.hpp"
#include "api/ticket_order/door.hpp"
#include "api/ticket_order/services/services.hpp"
#include "api/v1/door.hpp"
#include "api/v1/problem.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "callbacks/apple_pay.hpp"
#include "callbacks/callbacks.hpp"
#include "providers/credentials/apple_pay_session.hpp"
#include "service/gateway_desk.hpp"

namespace kassi::service {
namespace {

namespace services = api::ticket_order::services;

/// What the TicketOrder door asks of an MpiToken.
api::ticket_order::BareMpiToken bare_mpi_token(const services::Services& issued,
                                               const engine::Engine& engine) {
    return [&issued, &engine](std::string_view mpi_token,
                              const api::ticket_order::MpiPurpose& purpose) -> Result<std::string> {
        return issued.proofs().bare_token(
            mpi_token, {purpose.caller.name, purpose.merchant, purpose.card_token, purpose.amount},
            purpose.caller.ticket_order.allow_foreign_mpi, engine.now());
    };
}

}  // namespace

struct Doors::State {
    State(boost::asio::io_context& io, House& given_house, const Config& given_config, Beside given_beside,
          std::function<std::string()> given_not_ready)
        : house(given_house),
          config(given_config),
          passwords(given_config.directory, house.randomness(),
                    [&io](std::function<void()> callback) { boost::asio::post(io, std::move(callback)); }),
          beside(std::move(given_beside)),
          not_ready(std::move(given_not_ready)),
          desk(house.world(), house.engine().registry()),
          borgun({house.engine(), desk, services::certificate_key(given_config.master_key)}) {}

    House& house;
    const Config& config;
    api::Passwords passwords;
    Beside beside;
    std::function<std::string()> not_ready;
    OutsideDesk desk;
    services::Services borgun;
};

Doors::Doors(boost::asio::io_context& io, House& house, const Config& config, Beside beside,
             std::function<std::string()> not_ready)
    : state_(std::make_unique<State>(io, house, config, std::move(beside), std::move(not_ready))) {}
Doors::~Doors() = default;

std::vector<api::Mount> Doors::for_the_world() const {
    auto& engine = state_->house.engine();
    std::vector<api::Mount> mounts;
    mounts.push_back(api::f13_door({engine, state_->passwords, state_->beside.box_office}));
    mounts.push_back({"/v1/", api::v1::door(engine, state_->beside.sessions)});
    mounts.push_back(api::ticket_order_door({.engine = engine,
                                             .passwords = state_->passwords,
                                             .randomness = state_->house.randomness(),
                                             .allowed_origins = state_->config.ticket_order_origins,
                                             .events = state_->beside.events,
                                             .bare_mpi_token = bare_mpi_token(state_->borgun, engine),
                                             .card_tokens = &state_->borgun.card_tokens(),
                                             .more = state_->borgun.operations()}));
    mounts.push_back({"/callback/", callbacks::browser_door(engine, state_->house.randomness())});
    mounts.push_back(
        {"/callout/", callbacks::callout_door(engine, state_->house.randomness(), state_->beside.sessions)});
    mounts.push_back(
        {std::string(callbacks::method_path), callbacks::method_door(engine, state_->house.randomness())});
    mounts.push_back({"/webhooks/", callbacks::webhooks_door(engine)});
    mounts.push_back({std::string(providers::apple_pay::association_path), callbacks::domain_door(engine)});
    return mounts;
}

HttpResponse Doors::refusal(int status, std::string_view target, std::string_view why) {
    const auto request_id = api::new_request_id();
    HttpResponse response;
    std::string_view door = "none";
    if (target.starts_with("/f13/")) {
        door = "f13";
        response = api::f13::error_response(status, why);
    } else if (target.starts_with("/v1/")) {
        door = "v1";
        response = api::v1::problem(status, why, request_id);
    } else if (auto ours = api::ticket_order_refusal(status, target, why)) {
        door = "ticket_order";
        response = std::move(*ours);
    } else {
        response = json_response(status, JsonWriter().begin_object().field("error", why).end_object().take());
    }
    if (status == api::http_status(ErrorKind::unavailable) && response.header("Retry-After").empty())
        response.headers.emplace_back("Retry-After", "1");
    response.headers.emplace_back("X-Request-Id", request_id);
    // The target stays out of the line: it may hold a token.
    log::write(status >= api::http_status(ErrorKind::internal) ? log::Level::error : log::Level::info,
               "refused",
               {{"door", door}, {"status", std::to_string(status)}, {"why", why}, {"request", request_id}});
    return response;
}

std::vector<api::Mount> Doors::for_operators() const {
    return {{"/", api::ops::door(state_->house.engine(), state_->not_ready)}};
}

}  // namespace kassi::service
