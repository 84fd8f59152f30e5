#pragma once

#include <string>

#include "api/merchant_sessions.hpp"
#include "callbacks/call.hpp"
#include "engine/engine.hpp"

/// What Apple Pay needs of us besides the page itself: the merchant session for its script, and the proof
/// that the domain is ours.
namespace kassi::callbacks {

/// POST /callout/{page}/apple-pay-session, by the script of our own page: {"validation_url"?}. The gateway's
/// answer as it came; errors as JSON {"error","field"}: 400 what is wrong with the request, 403 another
/// site's script, 404 and 410 as the page itself, 502 no session. `sessions` nullptr: 503.
void open_session(engine::Engine& engine, api::MerchantSessions* sessions, const HttpRequest& request,
                  const std::string& page_token, const CallPointer& call);

/// To be mounted at association_path: GET. The file of the shop whose domain the Host is; 404 when it is
/// nobody's. No redirect, no questions: Apple asks for it.
Handler domain_door(const engine::Engine& engine);

}  // namespace kassi::callbacks
