#include "tests/simulation/network.hpp"

#include "tests/simulation/bugs.hpp"

namespace kassi::simulation {

using namespace std::chrono_literals;

struct Network::Trip {
    std::shared_ptr<Line> line;
    HttpRequest request;
    std::string origin;
    Millis budget, there{0};
    Fate fate = Fate::fine;
    [[nodiscard]] bool to_borgun() const { return origin == BorgunStreet::address; }
};

namespace {

/// What a house does not answer was hung up on.
struct Hangup {
    Stage& stage;
    std::shared_ptr<Line> line;
    bool answered = false, moved = false;
    Hangup(Stage& of, std::shared_ptr<Line> given) : stage(of), line(std::move(given)) {}
    Hangup(const Hangup&) = delete;
    Hangup& operator=(const Hangup&) = delete;
    ~Hangup() {
        if (answered || stage.over) return;
        stage.seen(moved ? Fault::provider_took_and_hung_up : Fault::provider_dead);
        stage.in(Millis{1}, [line = line] { line->hear(core::Silence{true, "reset"}); });
    }
};

/// The calls of a customer's payments have a chance of their own: "c7" is what follows him through all logs.
Actor& on_the_line(Stage& stage, const HttpRequest& request) {
    const auto tracking = request.header("X-Request-Id");
    if (tracking.size() < 2) return stage.actor_now();
    return stage.actor(lines + std::stoll(std::string(tracking.substr(1))));
}

}  // namespace

Network::Fate Network::fate_of(const HttpRequest& request, bool to_borgun) {
    if (stage_.calm) return Fate::fine;
    const auto what = request.method + " " + std::string(request.path());
    const auto or_fine = [&](Fault fault, Fate fate) {
        return stage_.happens(fault, what) ? fate : Fate::fine;
    };
    switch (stage_.roll(1, 20)) {
        case 1:
            return or_fine(Fault::refused_connection, Fate::refused);
        case 2:
            return or_fine(Fault::lost_request, Fate::lost);
        case 3:
            return or_fine(Fault::lost_answer, Fate::answer_lost);
        case 4:
            return or_fine(Fault::late_answer, Fate::answer_late);
        case 5:
            return or_fine(Fault::broken_proxy, Fate::proxy);
        case 6:
            return or_fine(Fault::slow_request, Fate::slow);
        case 7:
            if (!to_borgun || !BorgunStreet::may_be_doubled(request)) return Fate::fine;
            return or_fine(Fault::doubled_request, Fate::doubled);
        default:
            return Fate::fine;
    }
}

void Network::call(const std::shared_ptr<Line>& line, HttpRequest request, Millis budget, const Kill& kill) {
    const Stage::As as(stage_, on_the_line(stage_, request));
    const auto url = parse_url(request.target, "target");
    KASSI_ENSURE(url.has_value());
    request.target = url->target;
    spoil_request(stage_.life.bug, request);
    auto trip = std::make_shared<Trip>(Trip{line, std::move(request), url->origin(), budget});
    trip->fate = fate_of(trip->request, trip->to_borgun());
    stage_.say(fmt::format("call {} {}", trip->request.method, trip->request.target));
    if (trip->to_borgun() && trip->fate != Fate::refused) town_.borgun.sent(trip->request);
    if (stage_.strikes(Fault::killed_in_a_call, trip->to_borgun() ? 30 : 60))
        stage_.in(Millis{stage_.roll(0, 700)}, kill);
    if (trip->fate == Fate::refused)
        return stage_.in(Millis{1}, [line] { line->hear(core::Silence{false, "refused"}); });
    stage_.in(budget, [line] { line->hear(core::Silence{true, "too slow"}); });
    if (trip->fate == Fate::lost) return;
    // Slow on its way there: the work is done when nobody waits for it any more.
    trip->there =
        Millis{trip->fate == Fate::slow ? stage_.roll(0, budget.count() + 60'000) : stage_.roll(1, 300)};
    if (trip->fate == Fate::doubled) return doubled(trip);
    stage_.in(trip->there, [this, trip] { arrive(trip); });
}

void Network::arrive(const std::shared_ptr<Trip>& trip) {
    const auto hangup = std::make_shared<Hangup>(stage_, trip->line);
    const auto handler = town_.handler(trip->origin);
    HttpResponse instead;
    if (answers_instead(stage_.life.bug, trip->request, handler, instead)) {
        hangup->answered = true;
        return come_back(trip, std::move(instead));
    }
    const auto before = town_.moves();
    handler(trip->request, [this, trip, hangup](HttpResponse response) {
        hangup->answered = true;
        come_back(trip, std::move(response));
    });
    hangup->moved = town_.moves() > before;
}

void Network::come_back(const std::shared_ptr<Trip>& trip, HttpResponse response) {
    const auto& line = trip->line;
    if (trip->to_borgun()) town_.borgun.answered(trip->request, response);
    if (response.status >= 400) stage_.say(fmt::format("answer {} {}", response.status, response.body));
    if (response.status >= 500 || response.status == 429) stage_.seen(Fault::provider_error);
    if (line->over && trip->fate != Fate::slow) stage_.seen(Fault::provider_answered_too_late);
    if (trip->fate == Fate::answer_lost) return;
    if (trip->fate == Fate::proxy) {
        response = {};  // a proxy's own: nothing of the house is in it
        response.status = 502;
        response.body = "bad gateway";
    }
    spoil_answer(stage_.life.bug, trip->request, response);
    const Millis back{trip->fate == Fate::answer_late ? trip->budget.count() + 9'000 : stage_.roll(1, 300)};
    stage_.in(back, [line, response] { line->hear(core::Answered{response}); });
}

/// Somebody between here and there sends the request twice; one of the answers is heard.
void Network::doubled(const std::shared_ptr<Trip>& trip) {
    const bool heard_last = stage_.one_in(2) && BorgunStreet::may_answer_the_copy(trip->request);
    for (const bool last : {false, true}) {
        const Millis there = trip->there + Millis{last ? stage_.roll(0, 5'000) : 0};
        stage_.in(there, [this, trip, heard = last == heard_last] {
            town_.borgun.handler()(trip->request, [this, trip, heard](HttpResponse response) {
                town_.borgun.answered(trip->request, response);
                if (!heard) return;
                spoil_answer(stage_.life.bug, trip->request, response);
                stage_.in(Millis{stage_.roll(1, 300)},
                          [line = trip->line, response] { line->hear(core::Answered{response}); });
            });
        });
    }
}

void Network::notice(const HttpRequest& request, std::function<void(int)> status) {
    const auto is_over = std::make_shared<bool>(false);
    const auto answer = [is_over, status = std::move(status)](int code) {
        if (!std::exchange(*is_over, true)) status(code);
    };
    stage_.in(30s, [answer] { answer(0); });  // nobody is there, or he died over it
    if (stage_.strikes(Fault::lost_notice, 5)) return;
    const int copies = stage_.strikes(Fault::doubled_notice, 6) ? 2 : 1;
    const auto number = ++notices_sent_;
    for (int copy = 0; copy < copies; ++copy) {
        const bool late = stage_.strikes(Fault::late_notice, 8);
        stage_.in(Millis{stage_.roll(1, stage_.calm ? 100
                                        : late      ? 600'000
                                                    : 20'000)},
                  [this, request, answer, number] {
                      auto& last = last_notice_[request.target];
                      if (last > number) stage_.seen(Fault::overtaken_notice);
                      last = std::max(last, number);
                      door(request, answer);
                  });
    }
}

}  // namespace kassi::simulation
