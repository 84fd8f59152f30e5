#include "sandbox/clock_door.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/limits.hpp"
#include "sandbox/sandbox.hpp"

namespace kassi::sandbox {
namespace {

constexpr int method_not_allowed = 405;
constexpr std::string_view step_field = "advance_seconds";

HttpResponse error_answer(int status, const Error& error) {
    JsonWriter out;
    out.begin_object().field("error", error.message);
    if (!error.field.empty()) out.field("field", error.field);
    out.end_object();
    return json_response(status, out.take());
}

HttpResponse time_answer(Instant now) {
    JsonWriter out;
    out.begin_object().field("now", iso8601(now)).end_object();
    return json_response(200, out.take());
}

}  // namespace

Result<std::int64_t> read_advance(std::string_view body) {
    const auto object = parse_json(body);
    if (!object) return object.error();
    if (!object->is_object()) return bad_request("body", "is not a JSON object");
    for (const auto& [name, value] : object->items())
        if (name != step_field)
            return bad_request(name.substr(0, limits::text_bytes_max), "is no setting of the clock");
    const auto found = object->find(step_field);
    if (found == object->end()) return bad_request(std::string(step_field), "is missing");
    if (!found->is_number_integer()) return bad_request(std::string(step_field), "is not an integer");
    const auto seconds = found->get<std::int64_t>();
    if (seconds < 1 || seconds > clock_step_seconds_max)
        return bad_request(std::string(step_field),
                           "is not between 1 and " + std::to_string(clock_step_seconds_max));
    return seconds;
}

Result<Instant> advance(SystemClock& clock, engine::Engine& engine, Millis by) {
    const Instant last = std::chrono::sys_days(std::chrono::year(clock_year_max) / 1 / 1);
    if (clock.now() + by >= last)
        return bad_request(std::string(step_field),
                           "would move the clock past the year " + std::to_string(clock_year_max));
    clock.advance(by);
    engine.clock_moved();
    return clock.now();
}

Handler clock_door(SystemClock& clock, engine::Engine& engine) {
    return [&clock, &engine](const HttpRequest& request, const Reply& reply) {
        if (request.method == "GET" || request.method == "HEAD") return reply(time_answer(clock.now()));
        if (request.method != "PUT") {
            auto response =
                error_answer(method_not_allowed, {ErrorKind::method_not_allowed, "", "GET or PUT"});
            response.headers.emplace_back("Allow", "GET, PUT");
            return reply(std::move(response));
        }
        const auto seconds = read_advance(request.body);
        if (!seconds) return reply(error_answer(400, seconds.error()));
        const auto now = advance(clock, engine, std::chrono::seconds(*seconds));
        reply(now ? time_answer(*now) : error_answer(400, now.error()));
    };
}

}  // namespace kassi::sandbox
