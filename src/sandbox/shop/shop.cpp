#include "sandbox/shop/shop.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include "api/status.hpp"
#include "base/crypto.hpp"
#include "base/secret.hpp"
#include "http/client.hpp"
#include "sandbox/accounts.hpp"
#include "sandbox/box_office/token.hpp"
#include "sandbox/clock_door.hpp"
#include "sandbox/shop/browse.hpp"
#include "sandbox/shop/card.hpp"
#include "sandbox/shop/match.hpp"
#include "sandbox/shop/pages.hpp"
#include "sandbox/shop/story.hpp"
#include "sandbox/shop/trolley.hpp"
#include "sandbox/shop/ways.hpp"
#include "service/story.hpp"

namespace kassi::sandbox::shop {
namespace {

using engine::View;
using nlohmann::json;

constexpr int see_other = 303;
constexpr Millis poll_pause{50};
constexpr int quiet_polls = 3;  ///< a visit on its way is no open call: so often nothing must be seen
constexpr Millis door_deadline{30'000};
constexpr std::size_t latest_shown = 4;
constexpr std::string_view transactions_path = "/shop/transactions/";
constexpr int clock_minutes_max = 1440;

HttpResponse file_response(std::string_view name, std::string_view type) {
    return {200,
            {{"Content-Type", std::string(type)}, {"Cache-Control", "no-cache"}},
            std::string(page_file(name))};
}

/// Browsers say where a request comes from; another site must not press our buttons.
bool from_elsewhere(const HttpRequest& request) {
    const auto site = request.header("Sec-Fetch-Site");
    return !site.empty() && site != "same-origin" && site != "none";
}

/// As everywhere, but for 401, which would ask for a login: nobody logs in at the shop.
int status_of_error(ErrorKind kind) {
    return api::http_status(kind == ErrorKind::unauthenticated ? ErrorKind::bad_request : kind);
}

std::string sentence_of(const Error& error) {
    auto text = (error.field.empty() ? "" : error.field + ": ") + error.message;
    if (!text.empty() && text.back() != '.') text += '.';
    return text;
}

}  // namespace

struct Shop::State : std::enable_shared_from_this<Shop::State> {
    explicit State(Parts given) : parts(std::move(given)), catalogue(box_office::demo_catalogue()) {}

    // ---- answers
    [[nodiscard]] HttpResponse page(int status, std::string_view name, json content) const {
        content["now"] = instant_for_people(parts.engine.now());
        // What follows a form may lead to a payment page: browsers hold redirects against form-action too.
        const std::string policy =
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' " + parts.url + " " +
            parts.simulators + "; base-uri 'none'; frame-ancestors 'none'";
        return html_response(status, render(name, content), policy);
    }
    [[nodiscard]] HttpResponse say(const Error& error) const {
        const bool unknown = error.kind == ErrorKind::not_found;
        return page(status_of_error(error.kind), "say",
                    {{"title", unknown ? "Not found" : "Not done"},
                     {"heading", unknown ? "There is nothing here" : "That did not work"},
                     {"text", sentence_of(error)},
                     {"link", "/"},
                     {"link_text", "To the shop"}});
    }

    // ---- routes
    void handle(HttpRequest request, Reply reply) {
        const std::string path(request.path());
        const bool get = request.method == "GET" || request.method == "HEAD", post = request.method == "POST";
        if (!get && !post)
            return reply(say({ErrorKind::method_not_allowed, "", "Only GET and POST are understood"}));
        if (post && from_elsewhere(request))
            return reply(say({ErrorKind::forbidden, "", "This form was sent by another site"}));
        auto fields = request_fields(request, false);
        if (!fields) return reply(say(fields.error()));
        if (get) return show(path, *fields, std::move(reply));
        if (path == "/shop/pay") {
            // From here on the card is in one place, and on its way out.
            auto card = take_card(*fields);
            wipe(request.body.data(), request.body.size());
            return pay(*fields, std::move(card), request, std::move(reply));
        }
        if (path == "/shop/match") return order_at_the_door(*fields, std::move(reply));
        if (path == "/shop/clock") return move_clock(*fields, std::move(reply));
        if (path.starts_with(transactions_path))
            return act(path.substr(transactions_path.size()), *fields, std::move(reply));
        reply(say({ErrorKind::not_found, "", "No form leads here"}));
    }

    void show(const std::string& path, const Fields& fields, Reply reply) {
        constexpr std::string_view event_path = "/shop/events/", performance_path = "/shop/performances/",
                                   voucher_path = "/shop/vouchers/";
        if (path == "/") return reply(home_page(fields, ""));
        if (path == "/shop/events") return reply(events_page(fields));
        if (path.starts_with(event_path)) return reply(event_page(path.substr(event_path.size()), fields));
        if (path.starts_with(performance_path))
            return reply(tickets_page(path.substr(performance_path.size()), fields, ""));
        if (path == "/shop/trolley") return reply(trolley_page(fields));
        if (path.starts_with(voucher_path)) return reply(voucher_page(path.substr(voucher_path.size())));
        if (path == "/shop/shop.css") return reply(file_response("shop.css", "text/css; charset=utf-8"));
        if (path == "/shop/icon.svg" || path == "/favicon.ico")
            return reply(file_response("icon.svg", "image/svg+xml"));
        if (path == "/shop/checkout") return reply(checkout_page(fields, ""));
        if (path == "/shop/card") return reply(card_page(fields, std::nullopt));
        if (path == "/shop/match") return reply(match_page(fields, {}, {}, ""));
        if (path == "/shop/around") return reply(around_page());
        if (path == "/shop/transactions") return reply(list_page_of(fields));
        if (path == "/shop/back") return back(fields, std::move(reply));
        if (path.starts_with(transactions_path))
            return story(path.substr(transactions_path.size()), "", std::move(reply));
        reply(say({ErrorKind::not_found, "", "There is no page " + path.substr(0, limits_shown)}));
    }

    static constexpr std::size_t limits_shown = 80;

    // ---- what is on, and the trolley
    /// Once for each request: what is on sale at its beginning is so to its end.
    [[nodiscard]] Reading reading() const { return {catalogue, parts.token_key, parts.engine.now()}; }

    /// The trolley's token as the visitor sent it, "" for none.
    static std::string token_of(const Fields& fields) {
        const auto* token = find_field(fields, "trolley");
        return token == nullptr ? std::string() : *token;
    }

    [[nodiscard]] HttpResponse home_page(const Fields& fields, std::string_view notice) const {
        const auto all = offers(catalogue, parts.engine.now());
        // A newcomer finds two bundles in the trolley.
        std::map<std::string, std::string> chosen{{"7AB-4", "2"}, {"7AA-4", "1"}};
        json listed = json::array();
        for (const auto& offer : all) {
            if (const auto* count = find_field(fields, offer.performance)) chosen[offer.performance] = *count;
            const auto& wanted = chosen[offer.performance];
            json quantities =
                json::array({{{"count", 0}, {"label", "none"}, {"chosen", wanted.empty() || wanted == "0"}}});
            for (const auto count : offer.quantities)
                quantities.push_back(
                    {{"count", count},
                     {"label", std::to_string(count) + (count == 1 ? " ticket" : " tickets")},
                     {"chosen", wanted == std::to_string(count)}});
            listed.push_back({{"performance", offer.performance},
                              {"source", offer.source},
                              {"source_name", offer.source_name},
                              {"title", offer.title},
                              {"venue", offer.venue},
                              {"ticket", offer.ticket},
                              {"price", money_for_people(offer.price)},
                              {"quantities", std::move(quantities)}});
            if (!offer.when.empty()) listed.back()["when"] = offer.when;
        }
        json content{{"title", "Shop"}, {"on_shop", true}, {"offers", std::move(listed)}};
        if (!notice.empty()) content["notice"] = notice;
        store::ListFilter filter;
        filter.limit = latest_shown;
        auto latest = lines(parts.engine.store().list(filter));
        content["has_latest"] = !latest.empty();
        content["transactions"] = std::move(latest);
        return page(notice.empty() ? 200 : 400, "home", std::move(content));
    }

    [[nodiscard]] HttpResponse events_page(const Fields& fields) const {
        auto content = events_content(reading(), fields, token_of(fields));
        return content ? page(200, "events", std::move(*content)) : say(content.error());
    }

    [[nodiscard]] HttpResponse event_page(const std::string& id, const Fields& fields) const {
        const auto* event = catalogue.event(id);
        if (event == nullptr) return say({ErrorKind::not_found, "", "There is no such event"});
        auto content = event_content(reading(), *event, fields, token_of(fields));
        return content ? page(200, "event", std::move(*content)) : say(content.error());
    }

    [[nodiscard]] HttpResponse tickets_page(const std::string& id, const Fields& fields,
                                            const std::string& notice) const {
        const auto found = box_office::find_performance(catalogue, id, parts.engine.now());
        if (found.event == nullptr)
            return say({ErrorKind::not_found, "", "This performance is not on sale (any more)"});
        auto content = tickets_content(reading(), found, token_of(fields));
        if (!notice.empty()) content["notice"] = notice;
        return page(notice.empty() ? 200 : 400, "tickets", std::move(content));
    }

    [[nodiscard]] std::string trolley_address(const box_office::Trolley& trolley) const {
        return parts.url + "/shop/trolley?" +
               encoding::form({{"trolley", box_office::trolley_token(parts.token_key, trolley)}});
    }

    /// Shows the trolley; what changes it leads to the address of the changed one, so that a reload changes
    /// nothing.
    [[nodiscard]] HttpResponse trolley_page(const Fields& fields) const {
        const auto at = reading();
        const auto wish = read_wish(fields, at);
        if (!wish) return say(wish.error());
        if (const auto* perf = find_field(fields, "perf")) {
            const auto more = add_tickets(wish->trolley, fields, at);
            if (!more) return tickets_page(*perf, fields, sentence_of(more.error()));
            return redirect_response(see_other, trolley_address(*more));
        }
        const auto after = changed(wish->trolley, fields, at);
        if (after != wish->trolley) return redirect_response(see_other, trolley_address(after));
        return page(200, "basket", basket_content(at, after));
    }

    /// For whoever knows the transaction's id: what was bought, to be printed at home.
    [[nodiscard]] HttpResponse voucher_page(const std::string& which) const {
        const auto id = TransactionId::parse(which, "transaction");
        const auto view = id ? parts.engine.view(*id, "", "") : Result<View>(id.error());
        const auto document = id ? parts.engine.store().document(*id) : std::nullopt;
        if (!view || view->transaction.phase != core::Phase::purchased)
            return say({ErrorKind::not_found, "",
                        "There is no voucher here: nothing was bought, or it was cancelled"});
        if (!document) return page(200, "bought", bought_content(view->transaction));
        return page(200, "voucher", voucher_content(view->transaction, *document));
    }

    [[nodiscard]] HttpResponse checkout_page(const Fields& fields, const std::string& notice,
                                             int status = 400) const {
        const auto at = reading();
        const auto wish = read_wish(fields, at);
        if (!wish) return home_page(fields, sentence_of(wish.error()));
        const auto reserved = box_office::reserve(catalogue, wish->trolley, at.now);
        if (reserved.bundles.empty() && reserved.unreserved.empty())
            return home_page(fields, "The trolley is empty. Choose a ticket.");
        // The trolley's page says what cannot be had.
        if (!reserved.unreserved.empty()) return redirect_response(see_other, trolley_address(wish->trolley));
        json content{{"title", "Payment"}, {"on_shop", true}};
        if (!notice.empty()) content["notice"] = notice;
        add_bundles(content, *wish, reserved);
        content["back"] = trolley_address(wish->trolley);
        add_ways(content, *wish, ways_for(reserved));
        content["holds"] = json::array();
        for (const int minutes : hold_minutes_choices)
            content["holds"].push_back({{"minutes", minutes}, {"chosen", minutes == wish->hold_minutes}});
        content["once"] = crypto::mint_token(randomness);
        return page(notice.empty() ? 200 : status, "checkout", std::move(content));
    }

    /// Where the shop asks for the card, with what is wrong with the one that came.
    [[nodiscard]] HttpResponse card_page(const Fields& fields, const std::optional<CardFault>& fault) const {
        const auto at = reading();
        const auto wish = read_wish(fields, at);
        if (!wish) return home_page(fields, sentence_of(wish.error()));
        const auto reserved = box_office::reserve(catalogue, wish->trolley, at.now);
        if (reserved.bundles.empty() || !reserved.unreserved.empty() || !wants_card(*wish, reserved))
            return checkout_page(fields, "");
        json content{{"title", "Pay by card"}, {"on_shop", true}};
        add_bundles(content, *wish, reserved);
        auto carried = carried_of(*wish);
        content["carried"] = json::array();
        for (const auto& [name, value] : carried)
            content["carried"].push_back({{"name", name}, {"value", value}});
        carried.emplace_back("trolley", content["token"]);
        content["other_way"] = "/shop/checkout?" + encoding::form(carried);
        // A card that was wrong is corrected within the same order.
        const auto* known = find_field(fields, "once");
        const auto once = known == nullptr || known->empty() ? crypto::mint_token(randomness) : *known;
        content["once"] = once;
        carried.emplace_back("once", once);
        const auto* sample = find_field(fields, "sample");
        add_card(content, "/shop/card?" + encoding::form(carried),
                 sample == nullptr ? nullptr : find_sample(*sample), fault, at.now);
        return page(fault ? status_of_error(ErrorKind::bad_request) : 200, "card", std::move(content));
    }

    /// What a wish is made of beside its trolley, as the form has it.
    static Fields carried_of(const Wish& wish) {
        Fields carried{{"way", wish.way}, {"hold", std::to_string(wish.hold_minutes)}};
        for (const auto& [source, merchant] : wish.merchants)
            carried.emplace_back("with." + wish.way + "." + source, merchant);
        return carried;
    }

    [[nodiscard]] bool wants_card(const Wish& wish, const box_office::Reserved& reserved) const {
        const auto& directory = parts.engine.directory();
        const auto all = ways_for(reserved);
        const auto* way = find_way(all, wish.way);
        if (way == nullptr || !way->why_not.empty()) return false;
        return asks_card(directory, parts.engine.registry(), *directory.caller(way->key),
                         sources_of(reserved), wish.merchants);
    }

    static Sources sources_of(const box_office::Reserved& reserved) {
        Sources sources;
        for (const auto& bundle : reserved.bundles) sources.emplace_back(bundle.source, bundle.currency);
        return sources;
    }

    [[nodiscard]] std::vector<Way> ways_for(const box_office::Reserved& reserved) const {
        return ways(parts.engine.directory(), parts.engine.registry(), demo_system, sources_of(reserved));
    }

    void add_bundles(json& content, const Wish& wish, const box_office::Reserved& reserved) const {
        json shown = json::array();
        for (const auto& bundle : reserved.bundles)
            shown.push_back({{"source", bundle.source},
                             {"source_name", catalogue.sources.find(bundle.source)->second},
                             {"amount", money_for_people({cost_of(bundle), bundle.currency})},
                             {"orders", orders_content(bundle)}});
        content["bundles"] = std::move(shown);
        content["token"] = box_office::trolley_token(parts.token_key, wish.trolley);
        content["total"] = total_of(reserved.bundles);
    }

    void add_ways(json& content, const Wish& wish, const std::vector<Way>& all) const {
        const auto chosen = find_way(all, wish.way) != nullptr
                                ? wish.way
                                : first_choice(all, parts.engine.directory(), parts.engine.registry());
        content["ways"] = json::array();
        content["more"] = json::array();
        for (const auto& way : all) {
            json choices = json::array();
            for (const auto& choice : way.choices) {
                json merchants = json::array();
                const auto wanted = wish.merchants.find(choice.source);
                for (const auto& [name, words] : choice.merchants)
                    merchants.push_back(
                        {{"name", name},
                         {"words", words},
                         {"chosen", wanted != wish.merchants.end() && wanted->second == name}});
                choices.push_back({{"field", "with." + way.key + "." + choice.source},
                                   {"source_name", choice.source_name},
                                   {"merchants", std::move(merchants)}});
            }
            content[way.odd ? "more" : "ways"].push_back({{"key", way.key},
                                                          {"title", way.title},
                                                          {"about", way.about},
                                                          {"asks_card", way.asks_card},
                                                          {"why_not", way.why_not},
                                                          {"choices", std::move(choices)},
                                                          {"chosen", way.key == chosen}});
        }
        const auto* shown = find_way(all, chosen);
        content["more_open"] = shown != nullptr && shown->odd;
    }

    // ---- paying: what a booking system does
    struct Order {
        Wish wish;
        Fields fields;  ///< without the card
        std::optional<core::Credential> card;
        std::string user_agent, accept;
        Reply reply;
        engine::HandOverRequest hand_over = {};
        engine::Meta meta = {};
    };

    void pay(const Fields& fields, std::optional<core::Credential> card, const HttpRequest& request,
             Reply reply) {
        const auto at = reading();
        const auto wish = read_wish(fields, at);
        if (!wish || wish->trolley.lines.empty()) return reply(checkout_page(fields, ""));
        auto reserved = box_office::reserve(catalogue, wish->trolley, at.now);
        if (!reserved.unreserved.empty()) return reply(checkout_page(fields, ""));
        box_office::make_printable(catalogue, wish->trolley, at.now, parts.url, randomness, reserved);
        const auto all = ways_for(reserved);
        const auto* way = find_way(all, wish->way);
        if (way == nullptr || !way->why_not.empty())
            return reply(checkout_page(fields, way == nullptr ? "Choose a way of paying." : way->why_not));
        const bool asked = wants_card(*wish, reserved);
        if (asked && !card) {
            auto carried = carried_of(*wish);
            carried.emplace_back("trolley", box_office::trolley_token(parts.token_key, wish->trolley));
            return reply(redirect_response(see_other, parts.url + "/shop/card?" + encoding::form(carried)));
        }
        if (!asked) card.reset();
        auto order = std::make_shared<Order>(Order{*wish, fields, std::move(card),
                                                   std::string(request.header("User-Agent")),
                                                   std::string(request.header("Accept")), std::move(reply)});
        const auto& caller = *parts.engine.directory().caller(way->key);
        auto& hand_over = order->hand_over;
        hand_over.system = demo_system;
        hand_over.caller = caller.name;
        hand_over.bundles = box_office::core_bundles(reserved, description_of);
        hand_over.held_until = at.now + std::chrono::minutes(wish->hold_minutes);
        hand_over.document_json = document_json(box_office::document_of(catalogue, reserved, caller));
        order->meta.by = "system " + std::string(demo_system);
        // The same form sent twice is the same order, with whatever card: what Idempotency-Key is for.
        if (const auto* once = find_field(fields, "once"); once != nullptr && !once->empty())
            order->meta.once =
                engine::Meta::Once{"shop", once->substr(0, limits_shown), encoding::form(fields)};
        hand_over_of(order, cards_tried_max);
    }

    /// Cards that may be refused one after the other on one and the same page.
    static constexpr int cards_tried_max = 20;

    void hand_over_of(const std::shared_ptr<Order>& order, int tries_left) {
        parts.engine.hand_over(
            order->hand_over, order->meta,
            [self = shared_from_this(), order, tries_left](const Result<View>& view) {
                if (!view) return self->not_paid(*order, view.error());
                const auto& id = view->transaction.id;
                if (!order->card || !view->replayed || tries_left == 0 || !self->is_refused(id))
                    return self->purchase(id, order);
                // The customer went back to the page and gives another card: another order.
                auto& key = order->meta.once->key;
                key = key.substr(0, key.find('.')) + "." + view->transaction.reference;
                self->hand_over_of(order, tries_left - 1);
            });
    }

    [[nodiscard]] bool is_refused(const TransactionId& id) const {
        const auto view = parts.engine.view(id, "", "");
        return view && (view->transaction.phase == core::Phase::failed ||
                        view->transaction.phase == core::Phase::released);
    }

    void purchase(const TransactionId& id, const std::shared_ptr<Order>& order) {
        engine::PurchaseRequest request;
        request.ways = order->wish.merchants;
        request.shared_credential = std::exchange(order->card, std::nullopt);
        request.returns = engine::ReturnDetails{.via = core::ReturnVia::kassi,
                                                .token = {},
                                                .url = {},
                                                .landing_url = parts.url + "/shop/back",
                                                .user_agent = order->user_agent,
                                                .accept = order->accept,
                                                .remote_site = {},
                                                .remote_ip = {}};
        engine::Meta meta{.by = "system " + std::string(demo_system), .tracking = {}, .once = {}};
        parts.engine.purchase(id, std::move(request), std::move(meta),
                              [self = shared_from_this(), order, id](const Result<View>& view) {
                                  const auto fault = view ? std::nullopt : card_fault(view.error());
                                  if (fault) return order->reply(self->card_page(order->fields, fault));
                                  // Handed over and refused: its story says why.
                                  if (!view)
                                      return self->story(id.text(), sentence_of(view.error()), order->reply);
                                  self->go_on(id, order->reply);
                              });
    }

    /// To the payment page if there is one, else to the story.
    void go_on(const TransactionId& id, const Reply& reply) {
        const auto within = parts.engine.settings().answer_within;
        parts.engine.wait(id, engine::Until::answer, within,
                          [self = shared_from_this(), reply](const Result<View>& view) {
                              if (!view) return reply(self->say(view.error()));
                              const bool away = view->callout && !view->callout->page_token.empty();
                              reply(redirect_response(
                                  see_other, away ? self->parts.url + "/callout/" + view->callout->page_token
                                                  : self->story_address(view->transaction)));
                          });
    }

    void not_paid(const Order& order, const Error& error) const {
        order.reply(checkout_page(order.fields, sentence_of(error), status_of_error(error.kind)));
    }

    [[nodiscard]] std::string story_address(const core::Transaction& transaction) const {
        return parts.url + std::string(transactions_path) + transaction.reference;
    }

    /// Where Kassi sends the browser at the end: with transaction and status, and the story is told at its
    /// place.
    void back(const Fields& fields, const Reply& reply) {
        const auto* text = find_field(fields, "transaction");
        const auto id = service::find_transaction(parts.engine, text == nullptr ? "" : *text);
        if (!id) return reply(say(id.error()));
        const auto view = parts.engine.view(*id, "", "");
        reply(view ? redirect_response(see_other, story_address(view->transaction)) : say(view.error()));
    }

    // ---- transactions
    [[nodiscard]] json lines(const std::vector<TransactionId>& ids) const {
        json listed = json::array();
        for (const auto& id : ids)
            if (const auto view = parts.engine.view(id, "", "")) listed.push_back(line_of(view->transaction));
        return listed;
    }

    [[nodiscard]] HttpResponse list_page_of(const Fields& fields) const {
        store::ListFilter filter;
        filter.limit = list_page;
        if (const auto* after = find_field(fields, "after")) {
            const auto id = service::find_transaction(parts.engine, *after);
            if (!id) return say(id.error());
            filter.after = *id;
        }
        const auto ids = parts.engine.store().list(filter);
        json content{{"title", "Transactions"}, {"on_transactions", true}, {"transactions", lines(ids)}};
        content["has_any"] = !content["transactions"].empty();
        if (ids.size() == list_page) content["older"] = ids.back().text();
        return page(200, "transactions", std::move(content));
    }

    /// Waits a little for an open call: a page that says "asking" would be out of date when it is read.
    void story(const std::string& which, const std::string& notice, const Reply& reply, int status = 200) {
        const auto id = service::find_transaction(parts.engine, which);
        if (!id) return reply(say(id.error()));
        constexpr Millis moment{1'500};
        parts.engine.wait(
            *id, engine::Until::answer, moment,
            [self = shared_from_this(), id = *id, notice, reply, status](const Result<View>& view) {
                if (!view) return reply(self->say(view.error()));
                self->tell(*view, notice, reply, status);
            });
    }

    void tell(const View& view, const std::string& notice, const Reply& reply, int status) {
        parts.street.movements(
            references_of(view.transaction), [weak = weak_from_this(), io = &parts.io, view, notice, reply,
                                              status](std::vector<Movement> house) {
                boost::asio::post(*io, [weak, view, notice, reply, status, house = std::move(house)] {
                    if (const auto self = weak.lock()) reply(self->told(view, house, notice, status));
                });
            });
    }

    [[nodiscard]] HttpResponse told(const View& view, const std::vector<Movement>& house,
                                    const std::string& notice, int status) const {
        const auto& transaction = view.transaction;
        const auto explanation = parts.engine.explain(transaction);
        const auto journal = parts.engine.store().journal(transaction.id);
        auto content = story_of({.view = view,
                                 .explanation = explanation,
                                 .journal = journal,
                                 .house = house,
                                 .other_ways = other_ways(transaction),
                                 .now = parts.engine.now(),
                                 .public_url = parts.url,
                                 .data = parts.data});
        if (!notice.empty()) content["notice"] = notice;
        return page(status, "story", std::move(content));
    }

    /// What every bundle that is left may be paid with.
    [[nodiscard]] std::vector<std::string> other_ways(const core::Transaction& transaction) const {
        const auto* caller = parts.engine.directory().caller(transaction.caller);
        if (caller == nullptr) return {};
        std::vector<std::string> common;
        bool first = true;
        for (const auto& source : core::uncovered(transaction)) {
            const auto allowed = parts.engine.directory().ways(*caller, source);
            if (first) common = allowed;
            std::erase_if(common, [&](const std::string& each) {
                return std::find(allowed.begin(), allowed.end(), each) == allowed.end();
            });
            first = false;
        }
        return common;
    }

    // ---- the buttons of a story
    void act(const std::string& rest, const Fields& fields, Reply reply) {
        const auto slash = rest.find('/');
        const auto id = service::find_transaction(parts.engine, rest.substr(0, slash));
        if (!id) return reply(say(id.error()));
        const auto what = slash == std::string::npos ? "" : rest.substr(slash + 1);
        if (what == "again") return try_again(*id, fields, reply);
        core::InputBody input;
        if (what == "cancel") {
            input = core::Cancel{};
        } else if (what == "release") {
            input = core::Release{};
        } else if (what == "confirm") {
            const auto* answer = find_field(fields, "answer");
            input = core::ConfirmAnswer{answer != nullptr && *answer == "yes", {}};
        } else {
            return reply(say({ErrorKind::not_found, "", "There is no such button"}));
        }
        parts.engine.submit(*id, std::move(input),
                            {.by = "system " + std::string(demo_system), .tracking = {}, .once = {}},
                            [self = shared_from_this(), id = *id, reply](const Result<View>& view) {
                                if (!view)
                                    return self->story(id.text(), sentence_of(view.error()), reply,
                                                       status_of_error(view.error().kind));
                                self->story_at_rest(id, reply);
                            });
    }

    void story_at_rest(const TransactionId& id, const Reply& reply) {
        parts.engine.wait(id, engine::Until::rest, quiet_within,
                          [self = shared_from_this(), reply](const Result<View>& view) {
                              reply(view
                                        ? redirect_response(see_other, self->story_address(view->transaction))
                                        : self->say(view.error()));
                          });
    }

    void try_again(const TransactionId& id, const Fields& fields, const Reply& reply) {
        const auto view = parts.engine.view(id, "", "");
        const auto* merchant = find_field(fields, "merchant");
        if (!view || merchant == nullptr) return reply(say(bad_request("merchant", "is missing")));
        engine::PurchaseRequest request;
        for (const auto& source : core::uncovered(view->transaction)) request.ways[source] = *merchant;
        request.returns = engine::ReturnDetails{};
        request.returns->via = core::ReturnVia::kassi;
        request.returns->landing_url = parts.url + "/shop/back";
        parts.engine.purchase(id, std::move(request),
                              {.by = "system " + std::string(demo_system), .tracking = {}, .once = {}},
                              [self = shared_from_this(), id, reply](const Result<View>& after) {
                                  if (!after)
                                      return self->story(id.text(), sentence_of(after.error()), reply,
                                                         status_of_error(after.error().kind));
                                  self->go_on(id, reply);
                              });
    }

    // ---- the clock
    void move_clock(const Fields& fields, const Reply& reply) {
        const auto* text = find_field(fields, "minutes");
        const auto minutes = minor_from_decimal(text == nullptr ? "" : *text, 0, "minutes");
        if (!minutes || *minutes < 1 || *minutes > clock_minutes_max)
            return reply(say(bad_request("minutes", "is not between 1 and 1440")));
        if (const auto moved = advance(*parts.clock, parts.engine, std::chrono::minutes(*minutes)); !moved)
            return reply(say(moved.error()));
        const auto* which = find_field(fields, "back");
        std::string address = parts.url + "/shop/around";
        if (which != nullptr && service::find_transaction(parts.engine, *which))
            address = parts.url + std::string(transactions_path) + encoding::percent_encode(*which);
        when_quiet([reply, address] { reply(redirect_response(see_other, address)); });
    }

    /// When nothing is due and nobody is asked any more, or when quiet_within is over.
    void when_quiet(std::function<void()> done) {
        auto timer = std::make_shared<boost::asio::steady_timer>(parts.io);
        const auto until = std::chrono::steady_clock::now() + quiet_within;
        poll_quiet(timer, until, 0, std::move(done));
    }
    void poll_quiet(const std::shared_ptr<boost::asio::steady_timer>& timer,
                    std::chrono::steady_clock::time_point until, int quiet, std::function<void()> done) {
        timer->expires_after(poll_pause);
        timer->async_wait([weak = weak_from_this(), timer, until, quiet,
                           done = std::move(done)](const boost::system::error_code&) {
            const auto self = weak.lock();
            if (!self) return;
            const bool is_quiet = self->parts.engine.metrics().calls_open == 0 &&
                                  self->parts.engine.store().due(self->parts.engine.now(), 1).empty();
            const int in_a_row = is_quiet ? quiet + 1 : 0;
            if (in_a_row >= quiet_polls || std::chrono::steady_clock::now() >= until) return done();
            self->poll_quiet(timer, until, in_a_row, done);
        });
    }

    // ---- the match, ordered at the TicketOrder door as any app does it
    [[nodiscard]] HttpResponse match_page(const Fields& fields, const std::string& request,
                                          const std::string& answer, const std::string& notice) const {
        auto content = match_content(fields, parts.engine.now());
        content["on_match"] = true;
        if (!request.empty()) {
            content["request"] = request;
            content["answer"] = answer;
        }
        if (!notice.empty()) content["notice"] = notice;
        return page(notice.empty() ? 200 : 400, "match", std::move(content));
    }
    void order_at_the_door(const Fields& fields, const Reply& reply) {
        auto order = match_order(fields, parts.url, parts.token_key, parts.engine.now());
        if (!order) return reply(match_page(fields, "", "", sentence_of(order.error())));
        client.send(std::move(order->request), door_deadline,
                    [weak = weak_from_this(), fields, shown = std::move(order->shown),
                     reply](const http::Outcome& outcome) {
                        const auto self = weak.lock();
                        if (!self) return;
                        const auto* response = std::get_if<HttpResponse>(&outcome);
                        const auto answer = response != nullptr ? match_answer(*response) : "no answer";
                        reply(self->match_page(fields, shown, answer, ""));
                    });
    }

    [[nodiscard]] HttpResponse around_page() const {
        json places = json::array();
        for (const auto& place : parts.places) {
            places.push_back({{"name", place.name}, {"address", place.address}});
            if (place.link) places.back()["link"] = place.address;
        }
        json accounts = json::array();
        for (const auto& account : demo_accounts())
            accounts.push_back(
                {{"name", account.name}, {"password", account.password}, {"about", account.about}});
        return page(200, "around",
                    {{"title", "Where is what"},
                     {"on_around", true},
                     {"places", std::move(places)},
                     {"accounts", std::move(accounts)}});
    }

    Parts parts;
    http::Client client{parts.io, {.loopback_only = true}};
    const box_office::Catalogue& catalogue;
    mutable SystemRandomness randomness;
};

Shop::Shop(Parts parts) : state_(std::make_shared<State>(std::move(parts))) {}
Shop::~Shop() = default;

Handler Shop::handler() {
    return [weak = std::weak_ptr(state_)](HttpRequest request, Reply reply) {
        if (const auto state = weak.lock()) state->handle(std::move(request), std::move(reply));
    };
}

}  // namespace kassi::sandbox::shop
