#include "sandbox/sandbox.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <cstdio>

#include "base/json.hpp"
#include "base/log.hpp"
#include "sandbox/accounts.hpp"
#include "sandbox/apple.hpp"
#include "sandbox/box_office/box_office.hpp"
#include "sandbox/clock_door.hpp"
#include "sandbox/data_folder.hpp"
#include "sandbox/football.hpp"
#include "sandbox/shop/shop.hpp"
#include "sandbox/street.hpp"

namespace kassi::sandbox {
namespace {

constexpr std::string_view log_name = "kassi.log";
constexpr std::string_view redirect_house_name =
    "redirect_house.jsonl";  ///< what the simulator must remember
constexpr std::string_view stripe_house_name = "stripe_house.jsonl";
constexpr std::string_view borgun_house_name = "borgun_house.jsonl";
constexpr unsigned last_port = 65535;

/// `base` + `more` when somebody may listen there, else 0: any free one.
unsigned short neighbour(unsigned short base, unsigned more) {
    using boost::asio::ip::tcp;
    if (base == 0 || base + more > last_port) return 0;
    const auto port = static_cast<unsigned short>(base + more);
    boost::asio::io_context io;
    tcp::acceptor acceptor(io);
    boost::system::error_code ec;
    acceptor.open(tcp::v4(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor.bind({boost::asio::ip::address_v4::loopback(), port}, ec);
    return ec ? static_cast<unsigned short>(0) : port;
}

service::Config common_config(const std::string& data_directory, const Secret<>& key) {
    service::Config config;
    config.settings.mode = engine::Mode::sandbox;
    config.settings.visit_loopback_only = true;
    config.loopback_only = true;
    config.data_directory = data_directory;
    config.master_key = key;
    return config;
}

/// Where everything is.
struct Map {
    std::string url;         ///< "http://127.0.0.1:8080"
    std::string simulators;  ///< "http://127.0.0.1:8081"
    std::string gateway;     ///< Apple's: "https://127.0.0.1:8083"
    std::string operators;
    std::string v1_key;
    std::string stripe_key, stripe_webhook_secret;
    std::string borgun_public_key, borgun_private_key;  ///< of demo-borgun's merchant
    Secret<> master_key;                                ///< for the keys of accounts
    std::filesystem::path data;
};

std::string map_json(const Map& map, Instant now) {
    JsonWriter out;
    out.begin_object().field("url", map.url).field("shop", map.url + "/");
    out.key("f13").begin_object().field("root", map.url).field("url", map.url + "/f13/").end_object();
    out.key("v1").begin_object();
    out.field("url", map.url + "/v1/").field("system", demo_system).field("key", map.v1_key);
    out.field("openapi", map.url + "/v1/openapi.yaml").end_object();
    out.key("ticket_order").begin_object().field("url", map.url + "/ticketOrder");
    out.field("metadata", map.url + "/metadata").field("event", football_event).end_object();
    out.key("simulators").begin_array().begin_object().field("name", "redirect").field("url", map.simulators);
    out.field("ledger", map.simulators + "/_ledger").field("faults", map.simulators + "/_faults");
    out.end_object();
    out.begin_object().field("name", "stripe").field("url", map.simulators);
    out.field("ledger", map.simulators + "/stripe/_ledger")
        .field("faults", map.simulators + "/stripe/_faults");
    out.field("script", map.simulators + "/stripe/v3/").field("publishable_key", stripe_publishable_key);
    out.field("secret_key", map.stripe_key).field("webhook_secret", map.stripe_webhook_secret);
    out.end_object();
    out.begin_object().field("name", "borgun").field("url", map.simulators + "/borgun/rpg");
    out.field("ledger", map.simulators + "/borgun/_ledger")
        .field("faults", map.simulators + "/borgun/_faults");
    out.field("public_key", map.borgun_public_key).field("private_key", map.borgun_private_key);
    out.end_object();
    out.begin_object().field("name", "apple").field("url", map.gateway);
    out.field("faults", map.simulators + "/apple/_faults");
    out.field("script", map.simulators + "/apple/stand-in.js");
    out.field("device", map.simulators + "/apple/device/token");
    out.field("merchant_identifier", demo_merchant_identifier).end_object().end_array();
    out.key("operators").begin_object().field("url", map.operators).end_object();
    out.key("accounts").begin_array();
    for (const auto& account : demo_accounts()) {
        out.begin_object().field("name", account.name).field("password", account.password);
        out.field("about", account.about);
        // Of the TicketOrder door: a bearer token, and what orders are signed with.
        if (const auto key = ticket_order_key(map.master_key, account.name); !key.empty())
            out.field("api_key", key)
                .field("system_id", account.name)
                .field("system_secret", ticket_order_secret(map.master_key, account.name));
        out.end_object();
    }
    out.end_array().field("data", map.data.filename().string());
    out.key("clock").begin_object().field("now", iso8601(now)).field("url", map.url + "/sandbox/clock");
    out.end_object().end_object();
    return out.take();
}

Handler map_door(Map map, std::shared_ptr<SystemClock> clock) {
    return [map = std::move(map), clock = std::move(clock)](const HttpRequest& request, const Reply& reply) {
        if (request.path() != "/sandbox" && request.path() != "/sandbox/")
            return reply(json_response(404, R"({"error":"there is nothing here"})"));
        if (request.method == "GET" || request.method == "HEAD")
            return reply(json_response(200, map_json(map, clock->now())));
        auto response = json_response(405, R"({"error":"GET only"})");
        response.headers.emplace_back("Allow", "GET");
        reply(std::move(response));
    };
}

std::vector<shop::Parts::Place> places_of(const Map& map) {
    return {{"Shop", map.url + "/"},
            {"F13", map.url + "/f13/", false},
            {"Our own door", map.url + "/v1/", false},
            {"Its description", map.url + "/v1/openapi.yaml"},
            {"Its key: Authorization: Bearer …", map.v1_key, false},
            {"TicketOrder", map.url + "/metadata"},
            {"Redirect house, its ledger", map.simulators + "/_ledger"},
            {"Redirect house, its faults", map.simulators + "/_faults"},
            {"Stripe, its ledger", map.simulators + "/stripe/_ledger"},
            {"Stripe, its faults", map.simulators + "/stripe/_faults"},
            {"Borgun, its ledger", map.simulators + "/borgun/_ledger"},
            {"Borgun, its faults", map.simulators + "/borgun/_faults"},
            {"Apple's gateway, its faults", map.simulators + "/apple/_faults"},
            {"Operators", map.operators + "/readyz"}};
}

void say_hello(const Map& map, bool log_in_file) {
    std::string hello = "\nThe Kassi sandbox. Everything is on this machine, and no real money moves.\n\n";
    const auto line = [&hello](std::string name, const std::string& text) {
        name.resize(16, ' ');
        hello += "  " + name + text + "\n";
    };
    line("Shop", map.url + "/   (begin here)");
    line("Transactions", map.url + "/shop/transactions");
    line("Where is what", map.url + "/sandbox");
    line("Simulators", map.simulators + "/_ledger");
    line("Operators", map.operators + "/readyz");
    line("F13", map.url + "/f13/");
    line("  users", "demo, demo-redirect, demo-redirect-post, demo-stripe, demo-creditcard, demo-borgun,");
    line("", "demo-apple-pay, demo-securepay");
    line("", "(password demopass)");
    line("", "example-user   (password some-password)");
    line("TicketOrder", map.url + "/ticketOrder");
    line("  users", "app, app-signed, team, admin, nobody   (password demopass)");
    line("v1", map.url + "/v1/");
    line("  key", map.v1_key);
    line("Data", map.data.string());
    if (log_in_file) line("Log", (map.data / log_name).string());
    hello += "\nready " + map.url + "/\n";
    std::fwrite(hello.data(), 1, hello.size(), stdout);
    std::fflush(stdout);
}

/// On a terminal the log would run over what people read: it goes to a file there.
bool start_log(const std::filesystem::path& data) {
    const bool person = ::isatty(STDERR_FILENO) == 1;
    log::start(log::Level::info, person ? (data / log_name).string() : "");
    return person;
}

Street::Apple apple_side(AppleTown town, const std::string& gateway, const std::string& kassi) {
    const auto identifier = town.papers.merchant_identifier;
    auto certificate = town.papers.processing_ec.certificate_pem;
    const auto url = parse_url(kassi, "url");
    KASSI_ENSURE(url.has_value());
    return {std::move(town.world),
            {{identifier, {url->host}}},
            {.gateway_url = gateway, .merchants = {{identifier, std::move(certificate)}}}};
}

}  // namespace

service::Config configuration(const std::string& data_directory) {
    SystemRandomness randomness;
    auto config = common_config(data_directory, read_sandbox_key(data_directory));
    const auto town = apple_town(data_directory, SystemClock().now());
    config.directory = demo_directory(config.master_key, nobody_there, randomness,
                                      demo_shop(town, nobody_there, nobody_there, nobody_there));
    config.settings.public_url = nobody_there;
    return config;
}

int run(const Options& options) {
    const DataFolder folder(options.data_directory);
    SystemRandomness randomness;
    const auto key = sandbox_key(folder.path(), randomness);
    const bool log_in_file = start_log(folder.path());
    const auto clock = std::make_shared<SystemClock>();

    // In the order in which they may refer to one another; the service is the first to go.
    std::unique_ptr<Street> street;
    std::unique_ptr<shop::Shop> shop;
    auto town = apple_town(folder.path(), clock->now());
    const auto tls = gateway_tls();
    std::string gateway;
    auto config = common_config(folder.path().string(), key);
    config.trusted_certificates_pem = tls.authority_pem;
    config.doors.port = options.port;
    config.restored = options.restored;
    const auto descriptors = service::raise_descriptor_limit();
    config.descriptors_beside = std::min(street_descriptors, descriptors / 4);
    config.descriptors.calls_open_max = simulator_connections_max / 2;
    config.operators = service::Listen{};
    config.operators->port = neighbour(options.port, 2);
    config.when_bound = [&](service::Config& bound, unsigned short port) {
        street = std::make_unique<Street>(
            options.port == 0 ? static_cast<unsigned short>(0) : neighbour(port, 1), clock);
        gateway =
            street->open_gateway(options.port == 0 ? static_cast<unsigned short>(0) : neighbour(port, 3),
                                 tls.identity, town.world.developer_authority_pem());
        bound.settings.public_url = "http://127.0.0.1:" + std::to_string(port);
        bound.directory =
            demo_directory(key, street->origin(), randomness,
                           demo_shop(town, gateway, street->origin(), bound.settings.public_url));
    };
    service::Service service(std::move(config), clock);

    const Map map{.url = service.config().settings.public_url,
                  .simulators = street->origin(),
                  .gateway = gateway,
                  .operators = "http://127.0.0.1:" + std::to_string(service.operators_port()),
                  .v1_key = demo_v1_key(key),
                  .stripe_key = stripe_secret_key(key),
                  .stripe_webhook_secret = stripe_webhook_secret(key),
                  .borgun_public_key = borgun_public_key(key, borgun_token_merchant),
                  .borgun_private_key = borgun_private_key(key, borgun_token_merchant),
                  .master_key = key,
                  .data = folder.path()};
    shop = std::make_unique<shop::Shop>(shop::Parts{.engine = service.engine(),
                                                    .io = service.io(),
                                                    .clock = clock,
                                                    .street = *street,
                                                    .url = map.url,
                                                    .simulators = map.simulators,
                                                    .data = folder.path().string(),
                                                    .token_key = key,
                                                    .places = places_of(map)});
    service.set_box_office(box_office::make(service.engine(), key));
    service.set_events(football());
    service.add_doors({{"/", shop->handler()},
                       {"/sandbox", map_door(map, clock)},
                       {"/sandbox/clock", clock_door(*clock, service.engine())}});
    street->open({.redirect = demo_houses(key, map.simulators),
                  .redirect_file = folder.path() / redirect_house_name,
                  .stripe = demo_stripe_accounts(key, map.simulators, map.url),
                  .stripe_file = folder.path() / stripe_house_name,
                  .borgun = demo_borgun_merchants(key, map.simulators, map.url),
                  .borgun_file = folder.path() / borgun_house_name,
                  .apple = apple_side(std::move(town), gateway, map.url)});
    service.when_serving([&] { say_hello(map, log_in_file); });
    const int status = service.run();
    // Its thread may still want to tell the shop something, on the service's loop.
    street.reset();
    // It calls the house's own door over the service's loop, which must not be gone before it.
    shop.reset();
    return status;
}

}  // namespace kassi::sandbox
