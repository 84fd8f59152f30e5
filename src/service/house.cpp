#include "service/house.hpp"

#include <boost/asio/post.hpp>
#include <stdexcept>

namespace kassi::service {
House::House(boost::asio::io_context& io, const Config& config, std::shared_ptr<SystemClock> clock, Copy copy,
             std::function<bool()> lock_held)
    : clock_(std::move(clock)), digest_key_(store::digest_key(config.master_key)) {
    auto registry = providers::Registry::make(config.directory.merchants);
    if (!registry) throw std::runtime_error(registry.error().field + ": " + registry.error().message);
    registry_ = std::move(*registry);

    store::SqliteOptions options;
    options.directory = config.data_directory;
    options.master_key = config.master_key;
    options.post = [&io](std::function<void()> callback) { boost::asio::post(io, std::move(callback)); };
    options.clock = clock_.get();
    options.lock_held = std::move(lock_held);
    options.copy = copy;
    options.mode = config.settings.mode == engine::Mode::live ? "live" : "sandbox";
    auto store = store::SqliteStore::open(std::move(options));
    if (!store) {
        const auto why = config.data_directory + ": " + store.error().message;
        if (store.error().kind == ErrorKind::unavailable) throw LockHeld(why);
        throw std::runtime_error(why);
    }
    store_ = std::move(*store);

    // Never behind the last committed row. In a sandbox the clock may have been moved before the last stop:
    // that is not drift, so it counts as moved again.
    const auto last = store_->counts().last_row_at;
    const bool live = config.settings.mode == engine::Mode::live;
    if (live) {
        clock_->never_before(last);
    } else if (const auto missing = last - clock_->now(); missing > Millis(0)) {
        clock_->advance(missing);
    }

    outside_ = std::make_unique<HttpOutside>(
        io, clock_,
        OutsideOptions{config.trusted_certificates_pem, config.loopback_only, live, live,
                       config.private_origins, config.descriptors.calls_open_max});
    engine_ = std::make_unique<engine::Engine>(engine::Engine::Parts{*store_, *registry_, config.directory,
                                                                     config.settings, *clock_, randomness_,
                                                                     *outside_, digest_key_.reveal()});
}

House::~House() {
    // First what calls back, then what is called.
    outside_->stop();
    engine_.reset();
    outside_.reset();
    store_.reset();
}

void House::check_merchants() {
    std::string missing;
    for (const auto& name : store_->open_merchants()) {
        if (registry_->merchant(name) == nullptr) missing += (missing.empty() ? "" : ", ") + name;
    }
    if (missing.empty()) return;
    throw std::runtime_error("open payments name merchants that the configuration lacks: " + missing +
                             "; keep them, with retired = true, until their payments are settled");
}

}  // namespace kassi::service
