#include "engine/lanes.hpp"

#include <algorithm>
#include <utility>

#include "base/result.hpp"

namespace kassi::engine {
namespace {

/// A lane's oldest is looked at when its time is over, and again so often where the clock is behind.
constexpr Millis look_again{50};

}  // namespace

void Lanes::enter(const std::string& name, Instant latest, std::function<void()> begin,
                  std::function<void(std::string)> not_begun) {
    if (closed_) return refuse(std::move(not_begun), "the service stops");
    if (clock_.now() > latest) return refuse(std::move(not_begun), "its turn came too late");
    Lane& lane = lanes_[name];
    if (lane.open < limits_.at_once_max) {
        ++lane.open;
        ++open_;
        return begin();
    }
    if (lane.queue.size() >= limits_.waiting_max)
        return refuse(std::move(not_begun), "too many are waiting for their turn");
    lane.queue.push_back({latest, std::move(begin), std::move(not_begun)});
    ++waiting_;
    watch(name);
}

void Lanes::leave(const std::string& name) {
    Lane& lane = lanes_[name];
    KASSI_ENSURE(lane.open > 0);
    --lane.open;
    --open_;
    begin_next(lane);
}

void Lanes::begin_next(Lane& lane) {
    drop_late(lane);
    if (lane.queue.empty() || lane.open >= limits_.at_once_max) return;
    auto next = std::move(lane.queue.front());
    lane.queue.pop_front();
    --waiting_;
    ++lane.open;
    ++open_;
    next.begin();
}

/// Those of one lane may have different last moments, but seldom have: the first of the queue that may still
/// begin ends the look.
void Lanes::drop_late(Lane& lane) {
    const Instant now = clock_.now();
    while (!lane.queue.empty() && now > lane.queue.front().latest) {
        auto late = std::move(lane.queue.front());
        lane.queue.pop_front();
        --waiting_;
        refuse(std::move(late.not_begun), "its turn did not come in time");
    }
}

void Lanes::watch(const std::string& name) {
    Lane& lane = lanes_[name];
    if (lane.watched || lane.queue.empty()) return;
    lane.watched = true;
    const auto left = std::chrono::duration_cast<Millis>(lane.queue.front().latest - clock_.now());
    after_(std::max(left, Millis(0)) + look_again, [this, name] {
        Lane& watched = lanes_[name];
        watched.watched = false;
        drop_late(watched);
        watch(name);
    });
}

void Lanes::close() {
    closed_ = true;
    for (auto& [name, lane] : lanes_) {
        for (auto& each : std::exchange(lane.queue, {})) {
            --waiting_;
            refuse(std::move(each.not_begun), "the service stops");
        }
    }
}

void Lanes::refuse(std::function<void(std::string)> not_begun, std::string why) {
    after_(Millis(0), [not_begun = std::move(not_begun), why = std::move(why)] { not_begun(why); });
}

}  // namespace kassi::engine
