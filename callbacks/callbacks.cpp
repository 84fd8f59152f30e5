#include "callbacks/callbacks.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "callbacks/pages.hpp"

namespace kassi::callbacks {
namespace {

using engine::Engine;

/// What an ErrorKind is on these doors: the one place that says so.
int status_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::bad_request:
            return 400;
        case ErrorKind::unauthenticated:
            return 401;
        case ErrorKind::forbidden:
            return 403;
        case ErrorKind::not_found:
            return 404;
        case ErrorKind::method_not_allowed:
            return 405;
        case ErrorKind::conflict:
            return 409;
        case ErrorKind::gone:
            return 410;
        case ErrorKind::too_large:
            return 413;
        case ErrorKind::unsupported_media:
            return 415;
        case ErrorKind::unavailable:
            return 503;
        case ErrorKind::internal:
            return 500;
    }
    return 500;
}

/// What a customer is told when it does not go on. Nothing of the insides: the error itself is for others.
Notice error_notice(ErrorKind kind) {
    Notice notice;
    notice.status = status_of(kind);
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

// ---- where forms may lead -------------------------------------------------------------------------------

/// A host as a policy may carry it: "shop.example", "127.0.0.1:*".
bool is_source(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
               c == '-' || c == ':' || c == '*' || c == '/' || c == '[' || c == ']';
    });
}

/// Browsers hold the whole chain of redirects behind a form against form-action: the provider may send the
/// browser straight back to us or to the caller, and we to the house of the next leg.
std::string form_sources(Engine& engine, const core::Transaction& transaction, const Url& destination) {
    std::vector<std::string> sources{destination.origin(), "'self'"};
    const auto add = [&](const std::string& source) {
        if (is_source(source) && std::find(sources.begin(), sources.end(), source) == sources.end())
            sources.push_back(source);
    };
    if (const auto* caller = engine.directory().caller(transaction.caller))
        for (const auto& host : caller->return_hosts) add(host);
    for (const auto& leg : transaction.legs) {
        const auto* merchant = engine.registry().merchant(leg.merchant);
        if (merchant == nullptr || merchant->base_url.empty()) continue;
        if (const auto url = parse_url(merchant->base_url, "base_url")) add(url->origin());
    }
    std::string text;
    for (const auto& source : sources) text += (text.empty() ? "" : " ") + source;
    return text;
}

// ---- the browser's way back -------------------------------------------------------------------------------

class BrowserDoor {
  public:
    BrowserDoor(Engine& engine, Randomness& randomness) : engine_(engine), randomness_(randomness) {}

    void open(const HttpRequest& request, Reply reply) {
        const auto nonce = crypto::mint_token(randomness_);
        if (request.method != "GET" && request.method != "POST")
            return reply(error_page(ErrorKind::method_not_allowed, nonce, "GET, POST"));
        const auto path = segments(request.path(), "/callback/", 1);
        if (path.empty()) return reply(error_page(ErrorKind::bad_request, nonce));
        constexpr bool json_too = false;
        auto fields = request_fields(request, json_too);
        if (!fields) return reply(error_page(fields.error().kind, nonce));

        auto again = again_of(request, path.front(), *fields);
        engine_.returned("", path.front(), std::move(*fields), "",
                         {.by = "browser", .tracking = {}, .once = {}},
                         [this, reply, nonce, again](Result<Engine::ReturnOutcome> outcome) {
                             if (!outcome) return reply(error_page(outcome.error().kind, nonce));
                             wait(std::move(*outcome), again, nonce, reply);
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
            // From here the browser may go on to a landing page or to the next provider, which is not known.
            again.form_sources =
                engine_.settings().public_url.starts_with("https:") ? "https:" : "https: http:";
        } else if (!request.query().empty()) {
            again.address += "?" + std::string(request.query());
        }
        return again;
    }

    void wait(Engine::ReturnOutcome outcome, Again again, std::string nonce, Reply reply) {
        const auto id = outcome.view.transaction.id;
        const auto then = [this, again = std::move(again), nonce = std::move(nonce), reply = std::move(reply),
                           landing = std::move(outcome.landing_url)](const Result<engine::View>& view) {
            if (!view) return reply(error_page(view.error().kind, nonce));
            reply(answer(*view, landing, again, nonce));
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

HttpResponse callout_response(Engine& engine, const HttpRequest& request, std::string_view nonce) {
    constexpr int see_other = 303;
    if (request.method != "GET") return error_page(ErrorKind::method_not_allowed, nonce, "GET");
    const auto path = segments(request.path(), "/callout/", 1);
    if (path.empty()) return error_page(ErrorKind::not_found, nonce);
    const auto view = engine.callout_page(path.front());
    if (!view) return error_page(view.error().kind, nonce);
    const auto& callout = *view->callout;
    const auto destination = parse_url(callout.destination, "destination");
    if (!destination) return error_page(ErrorKind::internal, nonce);
    if (callout.type == "get") return redirect_response(see_other, get_address(callout));
    return form_page(callout, callout_notice(view->transaction, engine.now()),
                     form_sources(engine, view->transaction, *destination), nonce);
}

// ---- webhooks -------------------------------------------------------------------------------------------

HttpResponse webhook_error(const Error& error) {
    const bool is_ours = error.kind == ErrorKind::internal;
    JsonWriter json;
    json.begin_object().field("error", is_ours ? std::string("internal error") : error.message);
    json.key("field");
    error.field.empty() || is_ours ? json.null() : json.string(error.field);
    json.end_object();
    auto response = json_response(status_of(error.kind), json.take());
    if (error.kind == ErrorKind::method_not_allowed) response.headers.emplace_back("Allow", "POST");
    if (error.kind == ErrorKind::unavailable) response.headers.emplace_back("Retry-After", "1");
    return response;
}

}  // namespace

Handler browser_door(engine::Engine& engine, Randomness& randomness) {
    auto door = std::make_shared<BrowserDoor>(engine, randomness);
    return [door](const HttpRequest& request, Reply reply) { door->open(request, std::move(reply)); };
}

Handler callout_door(engine::Engine& engine, Randomness& randomness) {
    return [&engine, &randomness](const HttpRequest& request, const Reply& reply) {
        reply(callout_response(engine, request, crypto::mint_token(randomness)));
    };
}

Handler webhooks_door(engine::Engine& engine) {
    return [&engine](HttpRequest request, Reply reply) {
        if (request.method != "POST")
            return reply(webhook_error({ErrorKind::method_not_allowed, "", "POST only"}));
        const auto path = segments(request.path(), "/webhooks/", 2);
        if (path.empty()) return reply(webhook_error({ErrorKind::not_found, "", "there is nothing here"}));
        engine.notice(
            path[0], path[1], std::move(request),
            [reply = std::move(reply)](const Result<engine::NoticeHeard>& heard) {
                reply(heard ? json_response(200, R"({"received":true})") : webhook_error(heard.error()));
            });
    };
}

}  // namespace kassi::callbacks
