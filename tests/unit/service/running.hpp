#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <thread>
#include <variant>

#include "base/crypto.hpp"
#include "http/client.hpp"
#include "service/service.hpp"

namespace kassi::service {

inline constexpr const char* api_key = "key-of-the-box-office";

inline Config on_credit_config(const std::string& data) {
    Config config;
    engine::System system;
    system.name = "box-office";
    system.key_digests = {encoding::hex(crypto::to_bytes(crypto::sha256(api_key)))};
    config.directory.systems.push_back(system);
    providers::Merchant merchant;
    merchant.name = "house-credit";
    merchant.provider = "on_credit";
    config.directory.merchants.push_back(merchant);
    engine::Caller caller;
    caller.name = "demo";
    caller.system = "box-office";
    caller.ways["*"] = {"house-credit"};
    config.directory.callers.push_back(caller);
    config.operators = Listen{};
    config.data_directory = data;
    config.master_key = Secret<>(std::string(32, 'k'));
    config.loopback_only = true;
    return config;
}

/// The same with a redirect house at `base_url` besides.
inline Config redirect_config(const std::string& data, const std::string& base_url) {
    auto config = on_credit_config(data);
    providers::Merchant merchant;
    merchant.name = "acme";
    merchant.provider = "redirect";
    merchant.base_url = base_url;
    merchant.simulator = true;
    merchant.secrets.emplace("api_key", Secret<>("api"));
    merchant.secrets.emplace("notice_secret", Secret<>("notice"));
    config.directory.merchants.push_back(merchant);
    config.directory.callers[0].ways["*"] = {"acme"};
    config.directory.callers[0].return_hosts = {"127.0.0.1:9"};
    return config;
}

inline engine::HandOverRequest trolley(Instant now) {
    engine::HandOverRequest request;
    request.system = "box-office";
    request.caller = "demo";
    core::Bundle bundle;
    bundle.source = "ext_test1";
    bundle.description = "Two seats\x1b[2J in the stalls";
    bundle.amount = Money{11000, *Currency::parse("GBP", "")};
    bundle.orders.push_back(core::Order{1, bundle.amount, true});
    request.bundles.push_back(bundle);
    request.held_until = now + std::chrono::minutes(30);
    return request;
}

/// A service that runs in a thread of its own, as main() runs it.
class Running {
  public:
    explicit Running(Config config, std::vector<api::Mount> more = {})
        : service_(std::move(config), std::make_shared<SystemClock>(), std::move(more)),
          thread_([this] { status_ = service_.run(); }) {}
    ~Running() { stop(); }
    int stop() {
        if (thread_.joinable()) {
            service_.stop();
            thread_.join();
        }
        return status_;
    }
    Service& service() { return service_; }
    [[nodiscard]] HttpResponse get(const std::string& target, bool operators = false,
                                   const Fields& headers = {}) {
        return send({"GET", target, headers, "", ""}, operators);
    }
    [[nodiscard]] HttpResponse send(HttpRequest request, bool operators = false) {
        boost::asio::io_context io{1};
        http::Client client(io, {});
        const auto port = operators ? service_.operators_port() : service_.port();
        request.target = "http://127.0.0.1:" + std::to_string(port) + request.target;
        HttpResponse answer;
        answer.status = 0;
        client.send(std::move(request), std::chrono::seconds(60), [&](http::Outcome outcome) {
            if (auto* response = std::get_if<HttpResponse>(&outcome)) answer = std::move(*response);
            io.stop();
        });
        io.run();
        return answer;
    }

  private:
    Service service_;
    int status_ = -1;
    std::thread thread_;
};

}  // namespace kassi::service
