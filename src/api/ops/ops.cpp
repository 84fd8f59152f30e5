#include "api/ops/ops.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/json.hpp"

namespace kassi::api::ops {
namespace {

/// One metric without labels, with the two lines that tell people and Prometheus what it is.
void metric(std::string& text, std::string_view name, std::string_view type, std::string_view help,
            std::int64_t value) {
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
}

std::int64_t seconds_of(Millis time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

std::string metrics_text(engine::Engine& engine, bool is_ready) {
    const auto counts = engine.store().counts();
    const auto moved = engine.metrics();
    std::string text;
    metric(text, "kassi_ready", "gauge", "1 when new work is taken.", is_ready ? 1 : 0);
    metric(text, "kassi_transactions_total", "counter", "Transactions handed over, ever.",
           counts.transactions);
    metric(text, "kassi_transactions_open", "gauge", "Transactions that are not settled.", counts.open);
    metric(text, "kassi_transactions_in_doubt", "gauge",
           "Transactions with a leg whose outcome nobody knows yet.", counts.in_doubt);
    metric(text, "kassi_transactions_needing_a_person", "gauge",
           "Transactions that a machine cannot bring to an end.", counts.needs_person);
    metric(text, "kassi_transactions_unknown_for_long", "gauge",
           "Transactions with a leg that was looked at so often that a person is needed to say what became "
           "of it.",
           moved.unknown_for_long);
    metric(text, "kassi_unknown_oldest_seconds", "gauge", "Age of the oldest doubt there is; 0: none.",
           moved.unknown_since ? seconds_of(std::max(engine.now() - *moved.unknown_since, Millis(0))) : 0);
    metric(
        text, "kassi_notices_unmatched", "gauge",
        "Notices of providers that match nothing; after a copy was put back money may have moved for them.",
        counts.unmatched);
    metric(text, "kassi_journal_rows_total", "counter", "Rows of the journal.", counts.journal_rows);
    metric(text, "kassi_journal_last_row_timestamp_seconds", "gauge", "When the newest row was written.",
           seconds_of(counts.last_row_at.time_since_epoch()));
    metric(text, "kassi_commits_total", "counter", "Units committed since the start.", moved.commits);
    metric(text, "kassi_conflicts_total", "counter", "Units that were decided again since the start.",
           moved.conflicts);
    metric(text, "kassi_provider_calls_total", "counter", "Calls sent to providers since the start.",
           moved.calls);
    metric(text, "kassi_provider_calls_open", "gauge", "Calls to providers without an answer yet.",
           moved.calls_open);
    metric(text, "kassi_doubts_total", "counter", "Calls whose outcome became unknown, since the start.",
           moved.doubts);
    metric(text, "kassi_visits_total", "counter", "Return URLs visited since the start.", moved.visits);
    metric(text, "kassi_forgotten_total", "counter",
           "Transactions whose customer was forgotten, since the start.", moved.forgotten);
    metric(text, "kassi_notices_total", "counter", "Notices of providers heard since the start.",
           moved.notices);
    metric(text, "kassi_write_queue_units", "gauge", "Units that the store has to write.",
           moved.commits_open);
    metric(text, "kassi_provider_calls_waiting", "gauge", "Calls that wait for their turn with a provider.",
           moved.calls_waiting);
    metric(text, "kassi_visits_waiting", "gauge", "Return URLs that wait to be visited.",
           moved.visits_waiting);
    metric(text, "kassi_doors_waiting", "gauge", "Requests that wait for what becomes of a transaction.",
           moved.waiters);
    return text;
}

std::string figures_text(const Figures& now) {
    const auto count = [](std::size_t number) { return static_cast<std::int64_t>(number); };
    std::string text;
    metric(text, "kassi_load_level", "gauge",
           "0 all is taken, 1 nothing new, 2 notices of providers only, 3 nothing.", now.level);
    metric(text, "kassi_connections", "gauge", "Connections of the doors.", count(now.connections));
    metric(text, "kassi_requests_in_hand", "gauge", "Requests that are not answered yet.",
           count(now.requests_in_hand));
    metric(text, "kassi_bytes_in_hand", "gauge", "Of large bodies, and of large answers on their way.",
           count(now.bytes_in_hand));
    metric(text, "kassi_requests_refused_total", "counter",
           "Requests and connections refused for want of room, since the start.",
           static_cast<std::int64_t>(now.refused));
    metric(text, "kassi_loop_lag_milliseconds", "gauge", "How long what happens waits for its turn at least.",
           now.lag_ms);
    return text;
}

HttpResponse answer(engine::Engine& engine, const std::string& why_not,
                    const std::function<Figures()>& figures, const HttpRequest& request) {
    const auto path = request.path();
    const bool is_known = path == "/healthz" || path == "/readyz" || path == "/metrics";
    if (!is_known) return json_response(404, R"({"error":"there is nothing here"})");
    if (request.method != "GET") {
        auto refused = json_response(405, R"({"error":"GET only"})");
        refused.headers.emplace_back("Allow", "GET");
        return refused;
    }
    if (path == "/healthz") return json_response(200, R"({"status":"ok"})");
    if (path == "/readyz") {
        if (why_not.empty()) return json_response(200, R"({"status":"ready"})");
        JsonWriter json;
        json.begin_object().field("status", "not ready").field("reason", why_not).end_object();
        auto response = json_response(503, json.take());
        response.headers.emplace_back("Retry-After", "1");
        return response;
    }
    return {200,
            {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}, {"Cache-Control", "no-store"}},
            metrics_text(engine, why_not.empty()) + (figures ? figures_text(figures()) : "")};
}

}  // namespace

Handler door(engine::Engine& engine, std::function<std::string()> not_ready,
             std::function<Figures()> figures) {
    return [&engine, not_ready = std::move(not_ready), figures = std::move(figures)](
               const HttpRequest& request, const Reply& reply) {
        reply(answer(engine, not_ready(), figures, request));
    };
}

}  // namespace kassi::api::ops
