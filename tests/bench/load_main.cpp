#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "base/json.hpp"
#include "tests/bench/load.hpp"

/// `bench_load`: one run against one server; prints one JSON object. Exit status 0, or 1 when an answer was
/// not what it must be, or the server did not count what it answered.
namespace {

using namespace kassi;
using namespace kassi::bench;
namespace asio = boost::asio;

/// What the server says of itself, at the operators' door.
struct Counted {
    std::int64_t transactions = 0, open = 0, commits = 0, conflicts = 0, journal_rows = 0;
};

std::int64_t metric(std::string_view text, std::string_view name) {
    const auto line = fmt::format("\n{} ", name);
    const auto at = text.find(line);
    if (at == std::string_view::npos) throw std::runtime_error(fmt::format("no metric {}", name));
    return std::strtoll(text.data() + at + line.size(), nullptr, 10);
}

Counted read_counted(unsigned short port) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    socket.connect({asio::ip::address_v4::loopback(), port});
    const std::string request = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    asio::write(socket, asio::buffer(request));
    std::string text;
    boost::system::error_code end;
    asio::read(socket, asio::dynamic_buffer(text), end);
    return {metric(text, "kassi_transactions_total"), metric(text, "kassi_transactions_open"),
            metric(text, "kassi_commits_total"), metric(text, "kassi_conflicts_total"),
            metric(text, "kassi_journal_rows_total")};
}

void write_times(JsonWriter& json, std::string_view name, const Histogram& times) {
    json.key(name).begin_object();
    json.field("count", static_cast<std::int64_t>(times.count()));
    const auto at = [&](std::string_view share, double value) {
        json.field(share, static_cast<std::int64_t>(times.at(value)));
    };
    at("p50", 0.5);
    at("p99", 0.99);
    at("p99.9", 0.999);
    json.end_object();
}

void number(JsonWriter& json, std::string_view name, double value) {
    json.key(name).raw(fmt::format("{:.6f}", value));
}

std::string result_json(const Measured& measured) {
    const auto& [from, to] = std::pair(measured.from, measured.to);
    JsonWriter json;
    json.begin_object();
    number(json, "seconds", to.at - from.at);
    json.field("customers", static_cast<std::int64_t>(measured.customers));
    json.field("requests", static_cast<std::int64_t>(measured.requests));
    number(json, "server_cpu", to.server_cpu - from.server_cpu);
    number(json, "houses_cpu", to.houses_cpu - from.houses_cpu);
    number(json, "load_cpu", to.own_cpu - from.own_cpu);
    number(json, "foreign_cores", foreign_cores(from, to));
    number(json, "stolen_cores", (to.stolen - from.stolen) / (to.at - from.at));
    json.field("syncs", static_cast<std::int64_t>(to.syncs - from.syncs));
    json.field("written_bytes", static_cast<std::int64_t>(to.written - from.written));
    json.field("rss_kib", to.rss_kib).field("peak_kib", to.peak_kib);
    write_times(json, "customer_us", measured.whole);
    write_times(json, "request_us", measured.any);
    json.key("steps").begin_object();
    for (std::size_t i = 0; i < steps_count; ++i) {
        const auto& times = measured.steps[i];
        if (times.count() == 0) continue;
        write_times(json, word(static_cast<Step>(i)), times);
        json.field(fmt::format("{}_answer_bytes", word(static_cast<Step>(i))),
                   static_cast<std::int64_t>(measured.answer_bytes[i] / times.count()));
    }
    json.end_object();
    json.field("bought_ever", static_cast<std::int64_t>(measured.bought_ever));
    return json.end_object().take();
}

/// Everything that was answered is in the record, and nothing that was bought is still open.
void compare(const Counted& before, const Counted& after, const Measured& measured,
             const std::string& scenario) {
    const auto answered = static_cast<std::int64_t>(measured.bought_ever);
    if (after.transactions - before.transactions != answered)
        throw std::runtime_error(fmt::format("{} transactions were answered, and the server counts {}",
                                             answered, after.transactions - before.transactions));
    if (scenario == "in-flight") return;  // some are at their end by now
    const bool stays_open = scenario == "hand-over" || scenario == "away";
    const auto open = stays_open ? answered : 0;
    if (after.open - before.open != open)
        throw std::runtime_error(
            fmt::format("{} should be open, and the server counts {}", open, after.open - before.open));
}

struct Arguments {
    LoadOptions load;
    Parties parties;
    unsigned short operators = 0;
    int server = 0;
    std::vector<int> houses;
    std::string counters;
};

void add_options(CLI::App& app, Arguments& given) {
    app.add_option("--port", given.load.port, "the doors")->required();
    app.add_option("--operators", given.operators, "the operators' door: the server's counts are compared");
    app.add_option("--scenario", given.load.scenario,
                   "credit, stripe, in-flight, redirect, away, hand-over, status, status-f13");
    app.add_option("--connections", given.load.connections);
    app.add_option("--warm", given.load.warm_seconds, "seconds before what is measured");
    app.add_option("--seconds", given.load.seconds, "seconds that are measured");
    app.add_option("--payments", given.load.payments_max, "so many and no more, measured from the first");
    app.add_option("--prepared", given.load.prepared, "transactions that are bought first, to be read");
    app.add_option("--capture", given.load.capture, "a folder for the first answer of each kind");
    app.add_option("--transactions", given.load.transactions, "a file for the ids of what was handed over");
    app.add_option("--server", given.server, "its process");
    app.add_option("--house", given.houses, "another process of this run");
    app.add_option("--counters", given.counters, "the file of the server's counters");
    app.add_option("--api-key", given.parties.api_key);
    app.add_option("--caller", given.parties.caller);
    app.add_option("--password", given.parties.password);
    app.add_option("--credential", given.parties.credential, "JSON that goes along with each purchase");
    app.add_option("--held-for", given.parties.held_for_seconds, "seconds until the seats are lost");
}

int run(Arguments& given) {
    given.parties.host = fmt::format("127.0.0.1:{}", given.load.port);
    const Watched watched(given.server, given.houses, given.counters);
    Counted before;
    if (given.operators != 0) before = read_counted(given.operators);
    Load load(given.load, given.parties, watched);
    const auto& measured = load.run();
    if (!measured.wrong.empty()) throw std::runtime_error(measured.wrong);
    if (given.operators != 0) compare(before, read_counted(given.operators), measured, given.load.scenario);
    std::cout << result_json(measured) << '\n';
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Drives a house over loopback and says how fast it was.");
    Arguments given;
    add_options(app, given);
    CLI11_PARSE(app, argc, argv);
    try {
        return run(given);
    } catch (const std::exception& error) {
        std::cerr << "bench_load: " << error.what() << '\n';
        return 1;
    }
}
