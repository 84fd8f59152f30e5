#include "engine/retention.hpp"

#include <algorithm>
#include <memory>

#include "base/log.hpp"

namespace kassi::engine {
namespace {

bool was_forgotten(const Result<View>& view) {
    return view && std::ranges::any_of(view->events, [](const core::Event& event) {
               return std::holds_alternative<core::Forgotten>(event);
           });
}

}  // namespace

void Retention::start() {
    if (engine_.settings().retention) look_in(retention_goes_on);
}

void Retention::look_in(Millis pause) {
    outside_.after(pause, [this] {
        if (stopped_) return;
        if (!outside_.clock_trusted()) return look_in(retention_pause);
        round([this](std::size_t found, std::int64_t) {
            look_in(found == forgotten_at_once_max ? retention_goes_on : retention_pause);
        });
    });
}

void Retention::run(Instant until, std::function<void(std::int64_t)> done) {
    if (!engine_.settings().retention) return done(0);
    auto total = std::make_shared<std::int64_t>(0);
    auto again = std::make_shared<std::function<void()>>();
    *again = [this, until, done = std::move(done), total, weak = std::weak_ptr(again)] {
        round([this, until, done, total, self = weak.lock()](std::size_t found, std::int64_t forgotten) {
            *total += forgotten;
            const bool more = found == forgotten_at_once_max && forgotten > 0;
            if (more && !stopped_ && engine_.now() < until) return (*self)();
            done(*total);
        });
    };
    (*again)();
}

void Retention::round(std::function<void(std::size_t, std::int64_t)> done) {
    const auto ids =
        engine_.store().forgettable(engine_.now() - *engine_.settings().retention, forgotten_at_once_max);
    struct Work {
        std::size_t left, found;
        std::int64_t forgotten = 0;
        std::function<void(std::size_t, std::int64_t)> done;
    };
    auto work = std::make_shared<Work>(Work{ids.size() + 1, ids.size(), 0, std::move(done)});
    const auto one_less = [work] {
        if (--work->left > 0) return;
        if (work->forgotten > 0) log::info("retention", {{"forgotten", std::to_string(work->forgotten)}});
        work->done(work->found, work->forgotten);
    };
    for (const auto& id : ids) {
        engine_.submit(id, core::ForgetPerson{"kassi", "retention"}, Meta{"clock", "", std::nullopt},
                       [work, one_less](const Result<View>& view) {
                           if (was_forgotten(view)) ++work->forgotten;
                           one_less();
                       });
    }
    one_less();
}

}  // namespace kassi::engine
