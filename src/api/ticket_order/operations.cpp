#include "api/ticket_order/operations.hpp"

#include <utility>

#include "api/call_log.hpp"
#include "api/status.hpp"
#include "api/ticket_order/answer.hpp"

namespace kassi::api::ticket_order {
namespace {

/// As the log says it: the first fault, which repeats no value.
std::string reason_of(const Refusal& refusal) {
    if (refusal.faults.empty()) return api::reason_of({refusal.kind, "", refusal.message});
    const auto& fault = refusal.faults.front();
    return api::reason_of({refusal.kind, fault.field, fault.message});
}

class Operations : public std::enable_shared_from_this<Operations> {
  public:
    Operations(std::vector<Operation> operations, Visitors& visitors)
        : operations_(std::move(operations)), visitors_(visitors) {
        for (const auto& operation : operations_) names_.push_back(operation.named);
    }

    [[nodiscard]] bool takes(std::string_view path) const { return is_ours(path, names_); }

    void handle(HttpRequest request, Reply reply) {
        auto call = std::make_shared<Call>();
        call->request = std::move(request);
        call->request_id = request_id_of(call->request);
        call->finish = finisher(*call, std::move(reply));
        if (call->request.method == "OPTIONS") return call->finish(visitors_.preflight(call->request), "");
        auto route = route_of(call->request, names_);
        if (!route) return call->refuse(refusal_of(route.error()));
        call->route = std::move(*route);
        const auto& operation = operations_[call->route.operation];
        call->operation = operation.named.name;
        visitors_.recognise(call->request,
                            [call, &operation, self = shared_from_this()](Outcome<Visitor> visitor) {
                                self->recognised(call, operation, std::move(visitor));
                            });
    }

  private:
    /// `call` outlives what is returned: it holds it.
    [[nodiscard]] std::function<void(HttpResponse, std::string_view)> finisher(Call& call, Reply reply) {
        return [&call, self = shared_from_this(), reply = std::move(reply)](HttpResponse response,
                                                                            std::string_view why) {
            self->visitors_.dress(call.request, response);
            response.headers.emplace_back("Cache-Control", "no-store");
            response.headers.emplace_back("X-Request-Id", call.request_id);
            const auto* caller = call.visitor.caller;
            log_call(
                {.door = "ticket_order",
                 .method = call.request.method,
                 .operation = call.operation,
                 .status = response.status,
                 .who = {"caller", caller == nullptr ? std::string_view() : std::string_view(caller->name)},
                 .transaction = call.transaction,
                 .why = why,
                 .request_id = call.request_id,
                 .is_read = call.request.method == "OPTIONS"});
            reply(std::move(response));
        };
    }

    static void recognised(const CallPointer& call, const Operation& operation, Outcome<Visitor> visitor) {
        if (visitor)
            call->visitor = std::move(*visitor);
        else if (!operation.is_open || visitor.error().kind != ErrorKind::unauthenticated)
            return call->refuse(visitor.error());
        if (!operation.is_open)
            if (const auto refusal = Visitors::may_not(*call->visitor.caller)) return call->refuse(*refusal);
        operation.serve(call);
    }

    std::vector<Operation> operations_;
    std::vector<Named> names_;
    Visitors& visitors_;
};

}  // namespace

void Call::answer(std::string body, int status) {
    answer(HttpResponse{status, {{"Content-Type", route.content_type}}, std::move(body)});
}

void Call::answer(HttpResponse response) {
    finish(std::move(response), "");
}

void Call::refuse(const Refusal& refusal) {
    finish(refused(request, refusal), reason_of(refusal));
}

engine::Meta Call::meta() const {
    engine::Meta meta;
    meta.by = "caller " + visitor.caller->name;
    meta.tracking = request_id;
    return meta;
}

HttpResponse refused(const HttpRequest& request, const Refusal& refusal) {
    const auto [format, content_type] = spoken(request);
    HttpResponse response{
        http_status(refusal.kind), {{"Content-Type", content_type}}, print(refusal, format)};
    if (refusal.kind == ErrorKind::unauthenticated)
        response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"/auth/basic\", charset=\"UTF-8\"");
    // "403 Invalid Role": some clients read the status line and nothing else.
    if (refusal.kind == ErrorKind::forbidden && refusal.message.starts_with("Invalid "))
        response.headers.emplace_back(":reason", refusal.message);
    if (refusal.kind == ErrorKind::unavailable) response.headers.emplace_back("Retry-After", "1");
    return response;
}

Mount mount_of(std::vector<Operation> operations, Visitors& visitors) {
    auto shared = std::make_shared<Operations>(std::move(operations), visitors);
    return {
        "",
        [shared](HttpRequest request, Reply reply) { shared->handle(std::move(request), std::move(reply)); },
        [shared](std::string_view path) { return shared->takes(path); }};
}

}  // namespace kassi::api::ticket_order
