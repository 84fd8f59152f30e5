#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http_message.hpp"
#include "core/transaction.hpp"
#include "providers/flow.hpp"

/// The pages that customers see between a shop and a provider. Pure: what is shown comes in, a response goes
/// out. One template; no cookies, nothing from elsewhere, a Content-Security-Policy that allows one style and
/// at most one script by nonce.
namespace kassi::callbacks {

/// For text between tags and in quoted attributes, such that a reader of the page gets back the same
/// characters, line ends included.
std::string escaped(std::string_view text);

enum class Mood { good, bad, waiting };

/// What a page can say.
struct Notice {
    int status = 200;
    Mood mood = Mood::waiting;
    std::string title, text;                                 ///< plain text
    std::vector<std::pair<std::string, std::string>> facts;  ///< "Amount", "£12.50"
};

/// How the browser asks the same thing again.
struct Again {
    std::string address;  ///< relative to the page
    bool by_post = false;
    Fields fields;             ///< for post, in order
    std::string form_sources;  ///< where the form may lead, besides 'self'
};

/// A message, and where `again` is given a button that asks again (by itself after some seconds, too).
HttpResponse notice_page(const Notice& notice, const std::optional<Again>& again, std::string_view nonce);

/// The form of a callout of type post: fields in order, submits itself, has a button for browsers without
/// scripts. `form_sources` are the CSP sources that the form and its redirects may lead to.
HttpResponse form_page(const core::Callout& callout, const Notice& notice, std::string_view form_sources,
                       std::string_view nonce);

/// A page of ours that asks the customer for what is missing: a form by post to `return_url` with what the
/// provider's own script puts into it, and a button to give up. That script may load, frame and call what the
/// flow names, and nothing else.
HttpResponse hosted_page(const providers::Flow::HostedPage& hosted, const Notice& notice,
                         std::string_view return_url, std::string_view form_sources, std::string_view nonce);

/// A page of ours that works by itself and then goes on: a form by post to `address` (the page itself), and
/// the flow's script, which submits it. The frame, where there is one, may go wherever `form_sources` says,
/// and reaches nothing of this page.
HttpResponse passing_page(const providers::Flow::HostedPage& hosted, const Notice& notice,
                          std::string_view address, std::string_view form_sources, std::string_view nonce);

/// What stands in the frame of such a page: not ours, and possibly hostile. Sandboxed by its own policy, too,
/// so that it has no origin of ours even when it is opened alone. `sources`: where its forms and frames may
/// go.
HttpResponse frame_page(std::string_view html, std::string_view sources);

/// Opened by an issuer, inside of the frame, when its 3DS Method is over: tells the page at the top, if that
/// is of `origin`, and nobody else.
HttpResponse method_done_page(std::string_view origin, std::string_view nonce);

/// What a customer is told about a transaction. `now` for the time that is left.
Notice result_notice(const core::Transaction& transaction);
Notice callout_notice(const core::Transaction& transaction, Instant now);
/// Amount, booking, and until when the seats are held, for the customer who is away now.
std::vector<std::pair<std::string, std::string>> callout_facts(const core::Transaction& transaction,
                                                               Instant now);

/// The address of a callout of type get: destination and parameters in order.
std::string get_address(const core::Callout& callout);

/// landing_url, which has no query string, with transaction and status.
std::string landing_address(std::string_view landing_url, const core::Transaction& transaction);

}  // namespace kassi::callbacks
