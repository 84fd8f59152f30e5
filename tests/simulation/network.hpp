#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/step.hpp"
#include "tests/simulation/stage.hpp"
#include "tests/simulation/town.hpp"

/// What lies between Kassi and the providers, both ways: it loses, delays, doubles.
namespace kassi::simulation {

/// One call on its way: exactly one outcome reaches the process that made it, while it lives.
struct Line {
    std::shared_ptr<const bool> alive;
    std::function<void(core::Heard)> done;
    bool over = false;
    void hear(core::Heard heard) {
        if (!std::exchange(over, true) && *alive) done(std::move(heard));
    }
};

class Network {
  public:
    Network(Stage& stage, Town& town) : stage_(stage), town_(town) {}

    /// Kills the process that has a call on its way.
    using Kill = std::function<void()>;
    void call(const std::shared_ptr<Line>& line, HttpRequest request, Millis budget, const Kill& kill);

    /// A notice of a provider on its way to a door: status 0 where nobody answered.
    void notice(const HttpRequest& request, std::function<void(int)> status);
    /// Where notices arrive.
    std::function<void(const HttpRequest&, const std::function<void(int)>&)> door;

  private:
    enum class Fate : std::uint8_t { fine, refused, lost, answer_lost, answer_late, proxy, slow, doubled };
    Fate fate_of(const HttpRequest& request, bool to_borgun);
    struct Trip;
    void arrive(const std::shared_ptr<Trip>& trip);
    void come_back(const std::shared_ptr<Trip>& trip, HttpResponse response);
    void doubled(const std::shared_ptr<Trip>& trip);

    Stage& stage_;
    Town& town_;
    std::uint64_t notices_sent_ = 0;
    std::map<std::string, std::uint64_t> last_notice_;  ///< by the path that it came to
};

}  // namespace kassi::simulation
