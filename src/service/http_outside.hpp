#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "engine/engine.hpp"

namespace kassi::service {

struct OutsideOptions {
    std::string trusted_certificates_pem;  ///< "" the system's
    bool loopback_only = false;            ///< providers' calls too
    /// Timers wait while the machine's clock and ours disagree by more than drift_max (design.md section 7).
    bool watch_drift = false;
    /// Providers' calls reach addresses of the public internet only, but for private_origins
    /// ("https://host[:port]").
    bool public_only = false;
    std::set<std::string> private_origins;
    std::size_t calls_open_max = 512;  ///< to providers, each with its socket; half of it to private origins
};

/// A visited page has so long in all; its body is dropped, redirects are not followed.
inline constexpr Millis visit_within{10'000};
/// Clocks further apart than this: nothing expires until they agree again.
inline constexpr Millis drift_max{5'000};
/// What a drift past drift_max means, and what ends it. Negative: the machine's clock is behind ours.
std::string_view drift_meaning(Millis drift);

/// The world outside over real sockets and timers. Everything happens on the io_context's thread.
class HttpOutside final : public engine::Outside {
  public:
    /// Throws std::runtime_error when the trusted certificates cannot be read.
    HttpOutside(boost::asio::io_context& io, std::shared_ptr<SystemClock> clock, OutsideOptions options);
    ~HttpOutside() override;
    void call(HttpRequest request, Millis budget, std::function<void(core::Heard)> done) override;
    /// Answers "answered 200", "no answer: <why>", or "withheld" (then not a byte left the house): with
    /// `loopback_only` every host that is not loopback by its name alone, else addresses that are not public.
    void visit(const std::string& url, bool loopback_only, std::function<void(std::string)> done) override;
    void wake_at(std::optional<Instant> at, std::function<void()> callback) override;
    void after(Millis delay, std::function<void()> callback) override;
    [[nodiscard]] std::shared_ptr<void> timer(Millis delay, std::function<void()> callback) override;
    /// False: the clocks are too far apart to say what is due.
    [[nodiscard]] bool clock_trusted() const override;
    /// As SystemClock::drift().
    [[nodiscard]] Millis drift() const;
    /// Cancels calls, visits and timers; their callbacks do not come any more.
    void stop();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::service
