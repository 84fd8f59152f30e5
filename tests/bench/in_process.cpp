#include "tests/bench/in_process.hpp"

#include <chrono>
#include <stdexcept>

#include "base/crypto.hpp"
#include "base/encoding.hpp"

namespace kassi::bench {

void Callbacks::post(std::function<void()> callback) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(callback));
    }
    came_.notify_one();
}

void Callbacks::run_until(const std::function<bool()>& done) {
    constexpr std::chrono::minutes patience{1};
    while (!done()) {
        std::vector<std::function<void()>> now;
        {
            std::unique_lock lock(mutex_);
            if (!came_.wait_for(lock, patience, [this] { return !waiting_.empty(); }))
                throw std::runtime_error("the store is silent");
            now.swap(waiting_);
        }
        for (const auto& callback : now) callback();
    }
}

/// There is nobody, and the time of timers never comes.
class InProcess::Nowhere final : public engine::Outside {
  public:
    void call(HttpRequest, Millis, std::function<void(core::Heard)>) override {
        throw std::logic_error("nobody is to be called here");
    }
    void visit(const std::string&, bool, std::function<void(std::string)>) override {
        throw std::logic_error("nothing is to be visited here");
    }
    void wake_at(std::optional<Instant>, std::function<void()>) override {}
    void after(Millis, std::function<void()>) override {}
};

InProcess::InProcess(const std::string& directory, const Secret<>& master_key, const std::string& api_key,
                     Instant now, Randomness& randomness)
    : clock_(now) {
    providers::Merchant credit;
    credit.name = merchant_name;
    credit.provider = "on_credit";
    directory_.merchants.push_back(std::move(credit));
    directory_.systems.push_back({system_name, {encoding::hex(crypto::to_bytes(crypto::sha256(api_key)))}});
    engine::Caller caller;
    caller.name = caller_name;
    caller.system = system_name;
    caller.ways = {{"*", {merchant_name}}};
    directory_.callers.push_back(std::move(caller));
    settings_.public_url = "http://127.0.0.1:1";

    auto registry = providers::Registry::make(directory_.merchants);
    if (!registry) throw std::runtime_error(registry.error().message);
    registry_ = std::move(*registry);
    store::SqliteOptions options;
    options.directory = directory;
    options.master_key = master_key;
    options.post = [this](std::function<void()> callback) { callbacks_.post(std::move(callback)); };
    options.mode = "sandbox";
    auto store = store::SqliteStore::open(std::move(options));
    if (!store) throw std::runtime_error(directory + ": " + store.error().message);
    store_ = std::move(*store);
    outside_ = std::make_unique<Nowhere>();
    engine_ = std::make_unique<engine::Engine>(engine::Engine::Parts{*store_, *registry_, directory_,
                                                                     settings_, clock_, randomness, *outside_,
                                                                     store::digest_key(master_key).reveal()});
}

InProcess::~InProcess() {
    engine_.reset();
    store_.reset();
}

}  // namespace kassi::bench
