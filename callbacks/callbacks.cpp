#include "callbacks/callbacks.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "api/status.hpp"
#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "callbacks/apple_pay.hpp"
#include "callbacks/call.hpp"
#include "callbacks/pages.hpp"
#include "providers/credentials/apple_pay_page.hpp"

namespace kassi::callbacks {
namespace {

using engine::Engine;

/// What a customer is told when it does not go on. Nothing of the insides: the error itself is for others.
Notice error_notice(ErrorKind kind) {
    Notice notice;
    notice.status = api::http_status(kind);
    notice.mood = Mood::bad;
    if (kind == ErrorKind::gone) {
        notice.title = "This page was used already";
        notice.text =
            "This step of the payment is over. Please go back to where you booked to see how it stands.";
    } else if (kind == ErrorKind::unavailable || kind == ErrorKind::internal) {
        notice.title = "Please try again in a moment";
        notice.text = "We cannot look after your payment right now. Reload this page to try again.";
    } else if (kind == ErrorKind::method_not_allowed) {
        notice.title = "This does not work here";
        notice.text = "This address is opened by a browser on its way between a shop and a payment page.";
    } else {
        notice.title = "This link does not work";
        notice.text = "It is not, or no longer, a step of a payment. Please go back to where you booked.";
    }
    return notice;
}

HttpResponse error_page(ErrorKind kind, std::string_view nonce, std::string_view allow = {}) {
    auto response = notice_page(error_notice(kind), std::nullopt, nonce);
    if (!allow.empty()) response.headers.emplace_back("Allow", allow);
    if (kind == ErrorKind::unavailable) response.headers.emplace_back("Retry-After", "1");
    return response;
}

/// The customer reads a page, the log the reason.
void refuse(const CallPointer& call, const Error& error, std::string_view nonce,
            std::string_view allow = {}) {
    call->finish(error_page(error.kind, nonce, allow), api::reason_of(error));
}

/// The segments behind the prefix, decoded; empty when there are not exactly `count`.
std::vector<std::string> segments(std::string_view path, std::string_view prefix, std::size_t count) {
    constexpr bool plus_is_blank = false;
    path.remove_prefix(std::min(prefix.size(), path.size()));
    std::vector<std::string> all;
    for (bool more = true; more;) {
        const auto end = path.find('/');
        auto segment = encoding::percent_decode(path.substr(0, end), plus_is_blank, "path");
        if (!segment || segment->empty()) return {};
        all.push_back(std::move(*segment));
        more = end != std::string_view::npos;
        if (more) path.remove_prefix(end + 1);
    }
    if (all.size() != count) return {};
    return all;
}

/// Browsers hold the whole chain of redirects behind a form against form-action, and where it goes is the
/// houses' business: a page of another host of theirs, a landing page, the page of the next house. Plain http
/// is for the sandbox.
std::string form_sources(const Engine& engine) {
    return engine.settings().public_url.starts_with("https:") ? "https:" : "https: http:";
}

// ---- the browser's way back -------------------------------------------------------------------------------

class BrowserDoor {
  public:
    BrowserDoor(Engine& engine, Randomness& randomness) : engine_(engine), randomness_(randomness) {}

    void open(const HttpRequest& request, Reply reply) {
        const auto call = std::make_shared<Call>("callback", "/callback/{token}", request, std::move(reply));
        const auto nonce = crypto::mint_token(randomness_);
        if (request.method != "GET" && request.method != "POST")
            return refuse(call, {ErrorKind::method_not_allowed, "", "GET and POST only"}, nonce, "GET, POST");
        const auto path = segments(request.path(), "/callback/", 1);
        if (path.empty()) return refuse(call, bad_request("path", "is not one token"), nonce);
        constexpr bool json_too = false;
        auto fields = request_fields(request, json_too);
        if (!fields) return refuse(call, fields.error(), nonce);

        const auto& token = path.front();
        auto again = again_of(request, token, *fields);
        engine_.returned("", token, std::move(*fields), "", {.by = "browser", .tracking = {}, .once = {}},
                         [this, call, token, nonce, again](Result<Engine::ReturnOutcome> outcome) {
                             if (!outcome) {
                                 const auto known = engine_.store().find_token("", token);
                                 if (known) call->transaction = known->transaction.text();
                                 return refuse(call, outcome.error(), nonce);
                             }
                             call->transaction = outcome->view.transaction.id.text();
                             wait(std::move(*outcome), again, nonce, call);
                         });
    }

  private:
    /// The same return once more, the same fields in the same order. What came by post stays out of
    /// addresses.
    [[nodiscard]] Again again_of(const HttpRequest& request, const std::string& token,
                                 const Fields& fields) const {
        Again again{.address = encoding::percent_encode(token),
                    .by_post = request.method == "POST",
                    .fields = {},
                    .form_sources = {}};
        if (again.by_post) {
            again.fields = fields;
            again.form_sources = form_sources(engine_);
        } else if (!request.query().empty()) {
            again.address += "?" + std::string(request.query());
        }
        return again;
    }

    void wait(Engine::ReturnOutcome outcome, Again again, std::string nonce, const CallPointer& call) {
        const auto id = outcome.view.transaction.id;
        const auto then = [this, again = std::move(again), nonce = std::move(nonce), call,
                           landing = std::move(outcome.landing_url)](const Result<engine::View>& view) {
            if (!view) return refuse(call, view.error(), nonce);
            call->finish(answer(*view, landing, again, nonce));
        };
        if (engine::answerable(outcome.view.transaction, engine::Until::answer))
            return then(std::move(outcome.view));
        engine_.wait(id, engine::Until::answer, engine_.settings().answer_within, then);
    }

    [[nodiscard]] HttpResponse answer(const engine::View& view, const std::string& landing,
                                      const Again& again, const std::string& nonce) const {
        constexpr int see_other = 303;
        const auto& transaction = view.transaction;
        const bool goes_on =
            view.callout && transaction.via == core::ReturnVia::kassi && !view.callout->page_token.empty();
        if (goes_on)
            return redirect_response(see_other,
                                     engine_.settings().public_url + "/callout/" + view.callout->page_token);
        if (!landing.empty()) return redirect_response(see_other, landing_address(landing, transaction));
        const auto notice = result_notice(transaction);
        const bool is_open = notice.mood == Mood::waiting && !core::has_verdict(transaction.phase);
        return notice_page(notice, is_open ? std::optional(again) : std::nullopt, nonce);
    }

    Engine& engine_;
    Randomness& randomness_;
};

HttpResponse callout_response(Engine& engine, const core::Transaction& transaction,
                              const core::Callout& callout, const Url& destination, std::string_view nonce) {
    constexpr int see_other = 303;
    if (callout.type == "get") return redirect_response(see_other, get_address(callout));
    return form_page(callout, callout_notice(transaction, engine.now()),
                     destination.origin() + " 'self' " + form_sources(engine), nonce);
}

/// The page that the leg's flow dresses. Error: internal, when it has none.
Result<HttpResponse> hosted_response(Engine& engine, const engine::View& view, std::string_view nonce) {
    const auto* leg = core::leg_away(view.transaction);
    KASSI_ENSURE(leg != nullptr);
    const auto* flow = engine.registry().flow(leg->flow);
    const auto* merchant = engine.registry().merchant(leg->merchant);
    if (flow == nullptr || merchant == nullptr)
        return Error{ErrorKind::internal, "callout", "the merchant is not configured"};
    const auto hosted = flow->page(*view.callout, leg->amount, *merchant, view.transaction.id);
    const auto url = parse_url(view.return_url, "return_url");
    if (!hosted || !url) return Error{ErrorKind::internal, "callout", "has no page"};
    Notice notice;
    notice.title = hosted->title;
    notice.text = hosted->text;
    notice.facts = callout_facts(view.transaction, engine.now());
    const auto sources = url->origin() + " 'self' " + form_sources(engine);
    if (view.callout->goes_on) return passing_page(*hosted, notice, view.callout->page_token, sources, nonce);
    return hosted_page(*hosted, notice, view.return_url, sources, nonce);
}

class CalloutDoor {
  public:
    CalloutDoor(Engine& engine, Randomness& randomness, api::MerchantSessions* sessions)
        : engine_(engine), randomness_(randomness), sessions_(sessions) {}

    void open(const HttpRequest& request, Reply reply) {
        const auto call = std::make_shared<Call>("callout", "/callout/{page}", request, std::move(reply));
        const auto nonce = crypto::mint_token(randomness_);
        const bool is_read = request.method == "GET";
        auto path = segments(request.path(), "/callout/", 1);
        const auto frame = path.empty() ? segments(request.path(), "/callout/", 2) : path;
        if (path.empty() && frame.size() == 2 && frame[1] == "frame")
            return is_read ? show_frame(call, frame[0], nonce) : refuse_method(call, nonce, "GET");
        if (path.empty() && frame.size() == 2 && frame[1] == providers::apple_pay::session_segment)
            return open_apple_pay(call, request, frame[0]);
        if (!is_read && request.method != "POST") return refuse_method(call, nonce, "GET, POST");
        if (path.empty()) return refuse(call, {ErrorKind::not_found, "path", "is not one token"}, nonce);
        name_transaction(*call, path.front());
        if (is_read) return show(call, path.front(), nonce);
        constexpr bool json_too = false;
        auto fields = request_fields(request, json_too);
        if (!fields) return refuse(call, fields.error(), nonce);
        go_on(call, path.front(), std::move(*fields), nonce);
    }

  private:
    static void refuse_method(const CallPointer& call, const std::string& nonce, std::string_view allowed) {
        refuse(call, {ErrorKind::method_not_allowed, "", std::string(allowed) + " only"}, nonce, allowed);
    }

    void open_apple_pay(const CallPointer& call, const HttpRequest& request, const std::string& token) {
        call->operation = "/callout/{page}/apple-pay-session";
        name_transaction(*call, token);
        open_session(engine_, sessions_, request, token, call);
    }

    void name_transaction(Call& call, const std::string& token) {
        if (const auto known = engine_.store().find_token("", token))
            call.transaction = known->transaction.text();
    }

    void show(const CallPointer& call, const std::string& token, const std::string& nonce) {
        const auto view = engine_.callout_page(token);
        if (!view) {
            // Who went on from this page, or whose page was closed meanwhile, is sent on all the same.
            const auto way = engine_.way_on(token);
            if (way) return wait(call, way->view.transaction.id, token, nonce);
            return refuse(call, view.error(), nonce);
        }
        if (view->callout->hosted) {
            auto response = hosted_response(engine_, *view, nonce);
            if (!response) return refuse(call, response.error(), nonce);
            return call->finish(std::move(*response));
        }
        const auto destination = parse_url(view->callout->destination, "destination");
        if (!destination)
            return refuse(call, {ErrorKind::internal, "destination", destination.error().message}, nonce);
        call->finish(callout_response(engine_, view->transaction, *view->callout, *destination, nonce));
    }

    void show_frame(const CallPointer& call, const std::string& token, const std::string& nonce) {
        name_transaction(*call, token);
        const auto view = engine_.callout_page(token);
        if (!view) return refuse(call, view.error(), nonce);
        const auto* leg = core::leg_away(view->transaction);
        const auto* flow = engine_.registry().flow(leg->flow);
        const auto* merchant = engine_.registry().merchant(leg->merchant);
        const auto hosted = flow == nullptr || merchant == nullptr
                                ? std::nullopt
                                : flow->page(*view->callout, leg->amount, *merchant, view->transaction.id);
        if (!hosted || hosted->frame_html.empty())
            return refuse(call, {ErrorKind::not_found, "path", "has no frame"}, nonce);
        call->finish(frame_page(hosted->frame_html, form_sources(engine_)));
    }

    void go_on(const CallPointer& call, const std::string& token, Fields fields, const std::string& nonce) {
        engine_.go_on(token, std::move(fields), {.by = "browser", .tracking = {}, .once = {}},
                      [this, call, token, nonce](const Result<engine::View>& view) {
                          if (view) return wait(call, view->transaction.id, token, nonce);
                          if (view.error().kind == ErrorKind::conflict)
                              return refuse_method(call, nonce, "GET");
                          refuse(call, view.error(), nonce);
                      });
    }

    void wait(const CallPointer& call, const TransactionId& id, const std::string& token,
              const std::string& nonce) {
        engine_.wait(
            id, engine::Until::answer, engine_.settings().answer_within,
            [this, call, token, nonce](const Result<engine::View>&) { send_on(call, token, nonce); });
    }

    /// To what is next as it stands now, whoever asked first.
    void send_on(const CallPointer& call, const std::string& token, const std::string& nonce) {
        constexpr int see_other = 303;
        const auto way = engine_.way_on(token);
        if (!way) return refuse(call, way.error(), nonce);
        const auto& public_url = engine_.settings().public_url;
        if (way->here) return call->finish(redirect_response(see_other, public_url + "/callout/" + token));
        const auto& transaction = way->view.transaction;
        const bool is_open =
            !core::has_verdict(transaction.phase) && engine::at_work(transaction, engine::Until::answer);
        if (!is_open) return call->finish(redirect_response(see_other, way->return_url));
        const Again again{.address = token, .by_post = false, .fields = {}, .form_sources = {}};
        call->finish(notice_page(result_notice(transaction), again, nonce));
    }

    Engine& engine_;
    Randomness& randomness_;
    api::MerchantSessions* sessions_;
};

// ---- the issuer's word in the customer's browser
// ------------------------------------------------------------

void hear_method(const Engine& engine, const HttpRequest& request, const CallPointer& call,
                 const std::string& nonce) {
    if (request.path() != method_path)
        return refuse(call, {ErrorKind::not_found, "path", "is no step of a payment"}, nonce);
    if (request.method != "POST")
        return refuse(call, {ErrorKind::method_not_allowed, "", "POST only"}, nonce, "POST");
    const auto url = parse_url(engine.settings().public_url, "public_url");
    KASSI_ENSURE(url.has_value());
    call->finish(method_done_page(url->origin(), nonce));
}

// ---- webhooks -------------------------------------------------------------------------------------------

HttpResponse acknowledged(const providers::Flow::Acknowledgement& words) {
    auto response = json_response(200, std::string(words.body));
    for (auto& [name, value] : response.headers)
        if (same_header_name(name, "Content-Type")) value = words.content_type;
    return response;
}

void refuse_notice(const CallPointer& call, const Error& error) {
    call->finish(json_error(error, "POST"), api::reason_of(error));
}

}  // namespace

HttpResponse browser_refusal(int status, std::string_view nonce) {
    const bool later = status == api::http_status(ErrorKind::unavailable);
    const bool ours = status >= api::http_status(ErrorKind::internal);
    auto response = error_page(later  ? ErrorKind::unavailable
                               : ours ? ErrorKind::internal
                                      : ErrorKind::bad_request,
                               nonce);
    response.status = status;
    return response;
}

Handler browser_door(engine::Engine& engine, Randomness& randomness) {
    auto door = std::make_shared<BrowserDoor>(engine, randomness);
    return [door](const HttpRequest& request, Reply reply) { door->open(request, std::move(reply)); };
}

Handler callout_door(engine::Engine& engine, Randomness& randomness, api::MerchantSessions* sessions) {
    auto door = std::make_shared<CalloutDoor>(engine, randomness, sessions);
    return [door](const HttpRequest& request, Reply reply) { door->open(request, std::move(reply)); };
}

Handler method_door(engine::Engine& engine, Randomness& randomness) {
    return [&engine, &randomness](const HttpRequest& request, Reply reply) {
        hear_method(engine, request,
                    std::make_shared<Call>("3ds-method", method_path, request, std::move(reply)),
                    crypto::mint_token(randomness));
    };
}

Handler webhooks_door(engine::Engine& engine) {
    return [&engine](HttpRequest request, Reply reply) {
        const auto call =
            std::make_shared<Call>("webhook", "/webhooks/{provider}/{merchant}", request, std::move(reply));
        if (request.method != "POST")
            return refuse_notice(call, {ErrorKind::method_not_allowed, "", "POST only"});
        const auto path = segments(request.path(), "/webhooks/", 2);
        if (path.empty()) return refuse_notice(call, {ErrorKind::not_found, "", "there is nothing here"});
        call->merchant = path[1].substr(0, limits::text_bytes_max);
        engine.notice(
            path[0], path[1], std::move(request),
            [call, flow = engine.registry().flow(path[0])](const Result<engine::NoticeHeard>& heard) {
                if (!heard) return refuse_notice(call, heard.error());
                KASSI_ENSURE(flow != nullptr);  // it has read the notice
                call->finish(acknowledged(flow->acknowledgement()));
            });
    };
}

}  // namespace kassi::callbacks
