#include "api/ticket_order/answer.hpp"

#include <optional>
#include <vector>

#include "api/ticket_order/writing.hpp"

namespace kassi::api::ticket_order {
namespace {

constexpr Status statuses[] = {Status::ok,         Status::pending, Status::declined,
                               Status::conflict,   Status::over,    Status::authentication_needed,
                               Status::unavailable};

/// "OrderDetails[1].Count" of "orderDetails[1].count".
std::string pascal_path(std::string_view path) {
    std::string out(path);
    bool first = true;
    for (char& c : out) {
        if (first && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        first = c == '.';
    }
    return out;
}

template <class Writer>
void write_text(Writer& out, std::string_view name, std::string_view text) {
    out.key(name).string(text);
}

template <class Writer>
std::string refused(const Refusal& refusal) {
    Writer out;
    out.begin_object().key("responseStatus").begin_object();
    write_text(out, "errorCode", refusal.code);
    write_text(out, "message", refusal.message);
    out.key("errors").begin_array();
    for (const auto& fault : refusal.faults) {
        out.begin_object();
        write_text(out, "errorCode", fault.code);
        write_text(out, "fieldName", pascal_path(fault.field));
        write_text(out, "message", fault.message);
        out.end_object();
    }
    out.end_array().end_object().end_object();
    return out.take();
}

}  // namespace

std::string_view message_of(Status status) {
    switch (status) {
        case Status::ok:
            return "The order is complete.";
        case Status::pending:
            return "The payment is under way. The same request again says how it ended.";
        case Status::declined:
            return "The card was declined, and nothing was charged.";
        case Status::conflict:
            return "This order is or was paid by another request.";
        case Status::over:
            return "The seats were not held any longer, and nothing was charged.";
        case Status::authentication_needed:
            return "The card's bank wants 3-D Secure: pay by borgun3DFinalInfo.";
        case Status::unavailable:
            return "The payment could not be made now, and nothing was charged. Try again later.";
    }
    return "";
}

std::span<const Status> all_statuses() {
    return statuses;
}

TicketOrderResult result_of(Status status) {
    TicketOrderResult result;
    result.status_code = static_cast<std::int32_t>(status);
    result.message = std::string(message_of(status));
    return result;
}

std::string print(const TicketOrderResult& result, Format format) {
    return print_object(result, format);
}

std::string print(const Refusal& refusal, Format format) {
    switch (format) {
        case Format::json:
            return refused<JsonWriter>(refusal);
        case Format::jsv:
            return refused<JsvWriter>(refusal);
    }
    return "";
}

}  // namespace kassi::api::ticket_order
