#include "service/doors.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>

#include "api/f13/door.hpp"
#include "api/f13/print.hpp"
#include "api/ops/ops.hpp"
#include "api/passwords.hpp"
#include "api/status.hpp"
#include "api/ticket_order/door.hpp"
#include "api/ticket_order/services/services.hpp"
#include "api/v1/door.hpp"
#include "api/v1/problem.hpp"
#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "callbacks/apple_pay.hpp"
#include "callbacks/callbacks.hpp"
#include "providers/credentials/apple_pay_page.hpp"
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
          std::function<std::string()> given_not_ready, std::function<api::ops::Figures()> given_figures)
        : house(given_house),
          config(given_config),
          passwords(given_config.directory, house.randomness(),
                    [&io](std::function<void()> callback) { boost::asio::post(io, std::move(callback)); }),
          beside(std::move(given_beside)),
          not_ready(std::move(given_not_ready)),
          figures(std::move(given_figures)),
          desk(house.world(), house.engine().registry()),
          borgun({house.engine(), desk, services::certificate_key(given_config.master_key)}) {}

    House& house;
    const Config& config;
    api::Passwords passwords;
    Beside beside;
    std::function<std::string()> not_ready;
    std::function<api::ops::Figures()> figures;
    OutsideDesk desk;
    services::Services borgun;
};

Doors::Doors(boost::asio::io_context& io, House& house, const Config& config, Beside beside,
             std::function<std::string()> not_ready, std::function<api::ops::Figures()> figures)
    : state_(std::make_unique<State>(io, house, config, std::move(beside), std::move(not_ready),
                                     std::move(figures))) {}
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

namespace {

constexpr std::string_view browser_prefixes[] = {"/callback/", "/callout/", callbacks::method_path};

/// A page for the customer; the script of a page of ours reads JSON.
bool is_browsers(std::string_view path) {
    return !path.ends_with(providers::apple_pay::session_segment) &&
           std::any_of(std::begin(browser_prefixes), std::end(browser_prefixes),
                       [path](std::string_view prefix) { return path.starts_with(prefix); });
}

struct InWords {
    std::string_view door;
    HttpResponse response;
};

/// `html`: who asks at no door of ours is a browser.
InWords in_words(int status, std::string_view target, std::string_view why, const std::string& request_id,
                 bool html) {
    InWords said{"none", {}};
    if (target.starts_with("/f13/")) {
        said = {"f13", api::f13::error_response(status, why)};
    } else if (target.starts_with("/v1/")) {
        said = {"v1", api::v1::problem(status, why, request_id)};
    } else if (auto ours = api::ticket_order_refusal(status, target, why)) {
        said = {"ticket_order", std::move(*ours)};
    } else if (const bool ours_too = is_browsers(target.substr(0, target.find('?'))); ours_too || html) {
        SystemRandomness randomness;
        said = {ours_too ? "callback" : "none",
                callbacks::browser_refusal(status, crypto::mint_token(randomness))};
    } else {
        said.response =
            json_response(status, JsonWriter().begin_object().field("error", why).end_object().take());
    }
    auto& headers = said.response.headers;
    if (status == api::http_status(ErrorKind::unavailable) && said.response.header("Retry-After").empty())
        headers.emplace_back("Retry-After", "1");
    headers.emplace_back("X-Request-Id", request_id);
    return said;
}

}  // namespace

HttpResponse Doors::refusal(int status, std::string_view target, std::string_view why) {
    const auto request_id = api::new_request_id();
    auto [door, response] = in_words(status, target, why, request_id, false);
    // The target stays out of the line: it may hold a token.
    log::write(status >= api::http_status(ErrorKind::internal) ? log::Level::error : log::Level::info,
               "refused",
               {{"door", door}, {"status", std::to_string(status)}, {"why", why}, {"request", request_id}});
    return response;
}

HttpResponse Doors::too_busy(const HttpRequest& head) {
    return not_yet(head, "too much is going on at the moment; nothing was changed, try again");
}

HttpResponse Doors::not_yet(const HttpRequest& request, std::string_view why) {
    const bool html = request.header("Accept").find("text/html") != std::string_view::npos;
    return in_words(api::http_status(ErrorKind::unavailable), request.target, why,
                    api::request_id_of(request), html)
        .response;
}

std::vector<api::Mount> Doors::for_operators() const {
    return {{"/", api::ops::door(state_->house.engine(), state_->not_ready, state_->figures)}};
}

}  // namespace kassi::service
