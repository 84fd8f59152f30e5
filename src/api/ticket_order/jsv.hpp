#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/ticket_order/tree.hpp"
#include "base/result.hpp"

/// JSV, ServiceStack's JSON with the quotes of CSV: {Name:foo,Tags:[a,"b,c"],Note:"say ""hi"""}.
namespace kassi::api::ticket_order {

/// Reads what ServiceStack reads, and besides: blanks and line breaks around every token (the layout of its
/// metadata pages), JSON without escapes, blanks before and after the text.
///
/// A value without quotes keeps blanks at its edges, as ServiceStack's writer does not quote them; in a text
/// with a line break outside quotes, which no such writer makes, they are layout and go. Nothing at all is
/// null; "" is an empty text; no backslash escapes anything.
///
/// Refused where ServiceStack is silent or guesses: a quote or bracket that is not closed, text after the
/// value, a comma before a '}', the same name twice, what is not UTF-8, zero bytes.
/// Errors: bad_request or too_large naming the path of the value ("order.deviceId") or, at the top, `field`;
/// the message has the byte.
Result<Node> read_jsv(std::string_view text, std::string_view field);

/// The same for a list whose brackets may be missing: "1,2", "{a:1},{a:2}", "[1,2]". "" is null.
Result<Node> read_jsv_list(std::string_view text, std::string_view field);

/// Writes JSV as ServiceStack does, byte for byte, in the order of the calls. Commas are its business.
/// One difference: a text of blanks alone, and a name with blanks at its edges, are quoted, since they would
/// not come back.
class JsvWriter {
  public:
    JsvWriter& begin_object();
    JsvWriter& end_object();
    JsvWriter& begin_array();
    JsvWriter& end_array();
    JsvWriter& key(std::string_view name);
    /// Quoted where it must be. UTF-8.
    JsvWriter& string(std::string_view value);
    JsvWriter& integer(std::int64_t value);
    JsvWriter& boolean(bool value);
    /// A member goes, name and all; in a list an empty place stays.
    JsvWriter& null();
    /// Already JSV: a decimal, a date (which has colons and no quotes).
    JsvWriter& raw(std::string_view jsv);

    [[nodiscard]] const std::string& text() const { return out_; }
    [[nodiscard]] std::string take() { return std::move(out_); }

  private:
    void separate();
    std::string out_;
    std::string name_;  // of the member that has no value yet, with its colon
    bool comma_ = false;
};

/// A tree as compact JSV. bare, number and boolean are texts: JSV has no types.
std::string write_jsv(const Node& node);

}  // namespace kassi::api::ticket_order
