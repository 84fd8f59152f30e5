#pragma once

#include <string_view>

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

/// Every member has its proper form; nothing else is looked at (checks.hpp does that).
///
/// Names count in any case; unknown ones are left out. In query and form a text is a text as it stands,
/// everything else is JSV, or JSON (as the Python client writes it); an empty value is none; the values of a
/// repeated name are one with commas between. Card data and secrets in the query are refused, wherever they
/// stand: URLs are written down on their way.
/// Refusals: a body that is no JSON or JSV, and every member that has another form than it should, with its
/// path; too_large.
Outcome<TicketOrder> read_request(const Incoming& incoming);

}  // namespace kassi::api::ticket_order
