#pragma once

#include "api/merchant_sessions.hpp"
#include "base/clock.hpp"
#include "base/http_message.hpp"
#include "engine/engine.hpp"

/// Everything that comes back: browsers, and the pages that send them on, and webhooks. Nothing here
/// remembers anything: every address works by itself, after a restart too.
namespace kassi::callbacks {

/// To be mounted at "/callback/": /callback/<return token>, GET and POST, for tokens that we minted. Fields
/// of URL and body together, in order. 303 to the next callout page or to the landing URL (with transaction
/// and status), else a page with the result. The same return again: the same; another one: 410; unknown
/// token: 400.
Handler browser_door(engine::Engine& engine, Randomness& randomness);

/// What a browser reads in place of a page that the server refused: the status as it is, what to do in words
/// for a customer.
HttpResponse browser_refusal(int status, std::string_view nonce);

/// To be mounted at "/callout/": /callout/<page token>, GET. Sends the browser on: 303, or for a callout of
/// type post an ordered form that submits itself. 404 for a token that is none, 410 when the callout is over.
/// A page of ours that goes on is posted to itself: nothing is spent, and the same once more does no harm.
/// What follows is waited for, and the browser sent on to it: the page again, which shows the next
/// destination, or back with its unspent return token. /callout/<page token>/frame: what such a page shows in
/// its frame. /callout/<page token>/apple-pay-session, POST: see open_session(); `sessions` must outlive it,
/// and may be nullptr.
Handler callout_door(engine::Engine& engine, Randomness& randomness,
                     api::MerchantSessions* sessions = nullptr);

/// To be mounted at "/3ds-method": POST, by an issuer in the customer's browser. Knows nothing and keeps
/// nothing: it only tells the page around it, if that is ours.
inline constexpr std::string_view method_path = "/3ds-method";
Handler method_door(engine::Engine& engine, Randomness& randomness);

/// To be mounted at "/webhooks/": /webhooks/<provider>/<merchant>, POST, the body as it came. 200
/// after the commit, in the provider's own words where it has some, else {"received":true}; errors as JSON
/// {"error", "field"}.
Handler webhooks_door(engine::Engine& engine);

}  // namespace kassi::callbacks
