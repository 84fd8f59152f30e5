#include "service/merchant_sessions.hpp"

#include <boost/asio/post.hpp>
#include <chrono>
#include <map>
#include <utility>
#include <variant>

#include "base/log.hpp"
#include "http/client.hpp"
#include "providers/credentials/apple_pay_session.hpp"

namespace kassi::service {

namespace apple_pay = providers::apple_pay;
using SteadyClock = std::chrono::steady_clock;
using ShopPointer = std::shared_ptr<const apple_pay::Shop>;

struct HttpMerchantSessions::State : std::enable_shared_from_this<State> {
    explicit State(boost::asio::io_context& given_io) : io(given_io) {}

    /// One request of a page.
    struct Asking {
        ShopPointer shop;
        std::string domain;
        std::function<void(api::MerchantSession)> done;
        SteadyClock::time_point until;
        bool is_second = false;
    };

    void ask(std::shared_ptr<Asking> asking) {
        const auto client = clients.find(asking->shop->name);
        KASSI_ENSURE(client != clients.end());
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(asking->until - SteadyClock::now());
        client->second->send(apple_pay::session_request(*asking->shop, asking->domain), left,
                             [weak = weak_from_this(), asking](const http::Outcome& outcome) {
                                 if (const auto self = weak.lock()) self->heard(asking, outcome);
                             });
    }

    void heard(const std::shared_ptr<Asking>& asking, const http::Outcome& outcome) {
        if (const auto* none = std::get_if<http::NoAnswer>(&outcome)) return finish(*asking, {"", none->why});
        auto answer = apple_pay::read_session(std::get<HttpResponse>(outcome));
        if (answer.again && !std::exchange(asking->is_second, true)) return ask(asking);
        finish(*asking, {std::move(answer.session), std::move(answer.why)});
    }

    void finish(const Asking& asking, api::MerchantSession session) {
        --open;
        if (session.json.empty()) {
            log::warning("merchant_session_failed",
                         {{"shop", asking.shop->name}, {"domain", asking.domain}, {"why", session.why}});
        }
        asking.done(std::move(session));
    }

    boost::asio::io_context& io;
    std::map<std::string, std::unique_ptr<http::Client>> clients;  ///< by the shop's name
    std::size_t open = 0;
};

HttpMerchantSessions::HttpMerchantSessions(boost::asio::io_context& io, const std::vector<ShopPointer>& shops,
                                           const SessionsOptions& options)
    : state_(std::make_shared<State>(io)) {
    for (const auto& shop : shops) {
        http::ClientOptions client;
        client.trusted_certificates_pem = options.trusted_certificates_pem;
        client.loopback_only = options.loopback_only;
        client.public_only = options.public_only;
        client.identity = http::TlsIdentity{shop->identity_certificate_pem, shop->identity_key_pem};
        // One more would be an answer that is too large, and is told so.
        client.response_bytes_max = apple_pay::session_bytes_max;
        state_->clients.emplace(shop->name, std::make_unique<http::Client>(io, std::move(client)));
    }
}

HttpMerchantSessions::~HttpMerchantSessions() = default;

void HttpMerchantSessions::open(const ShopPointer& shop, const std::string& domain,
                                std::function<void(api::MerchantSession)> done) {
    if (state_->open >= api::merchant_sessions_at_once_max) {
        return boost::asio::post(state_->io, [weak = std::weak_ptr(state_), done = std::move(done)] {
            if (!weak.expired()) done({"", "too many are under way; try again", true});
        });
    }
    ++state_->open;
    auto asking = std::make_shared<State::Asking>();
    asking->shop = shop;
    asking->domain = domain;
    asking->done = std::move(done);
    asking->until = SteadyClock::now() + api::merchant_session_within;
    state_->ask(std::move(asking));
}

}  // namespace kassi::service
