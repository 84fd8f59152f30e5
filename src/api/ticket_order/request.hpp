#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/ticket_order/binder.hpp"
#include "api/ticket_order/refusal.hpp"
#include "api/ticket_order/types.hpp"
#include "base/encoding.hpp"

/// Reading what a TicketOrder client sends (pure), in whichever form.
namespace kassi::api::ticket_order {

enum class BodyForm { none, json, jsv, fields };

struct Incoming {
    BodyForm form = BodyForm::none;
    std::string_view body;  ///< json or jsv
    Fields fields;          ///< of an urlencoded or multipart body
    Fields query;           ///< of the URL, decoded
    /// True at /ticketOrder: a member of the query takes the place of the body's. False elsewhere: it fills
    /// what the body has not.
    bool query_wins = false;
};

/// How the value of a form field is read.
enum class Reading { text, boolean, list, value };

template <class T>
struct reading_of : std::integral_constant<Reading, Reading::value> {};
template <>
struct reading_of<std::string> : std::integral_constant<Reading, Reading::text> {};
template <>
struct reading_of<Opaque> : std::integral_constant<Reading, Reading::text> {};
template <>
struct reading_of<Secret<>> : std::integral_constant<Reading, Reading::text> {};
template <>
struct reading_of<bool> : std::integral_constant<Reading, Reading::boolean> {};
template <class T>
struct reading_of<std::vector<T>> : std::integral_constant<Reading, Reading::list> {};
template <class T>
struct reading_of<std::optional<T>> : reading_of<T> {};

bool same_name(std::string_view left, std::string_view right);

/// Of the member with that name of a type with each_member(); nullopt: it has none.
template <class T>
std::optional<Reading> reading_of_member(std::string_view name) {
    std::optional<Reading> found;
    const auto visit = [&](std::string_view known, auto& member) {
        if (same_name(known, name)) found = reading_of<std::remove_cvref_t<decltype(member)>>::value;
    };
    T object;
    each_member(visit, object);
    return found;
}

/// The whole request as one tree, an object; what form fields cannot be read as is in `faults`.
Outcome<Node> read_tree(const Incoming& incoming,
                        const std::function<std::optional<Reading>(std::string_view name)>& reading,
                        Faults& faults);

/// Every member has its proper form; nothing else is looked at (checks.hpp does that). `T` has each_member()
/// and `operation` is its name.
///
/// Names count in any case; unknown ones are left out. In query and form a text is a text as it stands,
/// everything else is JSV, or JSON (as the Python client writes it); an empty value is none; the values of a
/// repeated name are one with commas between. Card data and secrets in the query are refused, wherever they
/// stand: URLs are written down on their way.
/// Refusals: a body that is no JSON or JSV, and every member that has another form than it should, with its
/// path; too_large.
template <class T>
Outcome<T> read_as(const Incoming& incoming, std::string_view operation) {
    Binding at;
    const auto tree = read_tree(incoming, reading_of_member<T>, at.faults);
    if (!tree) return tree.error();
    T request;
    bind(at, *tree, request);
    if (!at.faults.empty()) return cannot_bind(operation, std::move(at.faults));
    return request;
}

Outcome<TicketOrder> read_request(const Incoming& incoming);

}  // namespace kassi::api::ticket_order
