#include "tests/simulation/world.hpp"

#include "tests/simulation/inspector.hpp"
#include "tests/simulation/machine.hpp"
#include "tests/simulation/people.hpp"
#include "tests/simulation/storm.hpp"

namespace kassi::simulation {

bool Report::breaks(Invariant invariant) const {
    for (const auto& each : broken)
        if (each.invariant == invariant) return true;
    return false;
}

void Report::add(const Report& other) {
    for (std::size_t i = 0; i < fault_kinds; ++i) faults[i] += other.faults[i];
    static constexpr std::int64_t Report::*counts[] = {&Report::lives,
                                                       &Report::transactions,
                                                       &Report::purchased,
                                                       &Report::failed,
                                                       &Report::cancelled,
                                                       &Report::released,
                                                       &Report::steps,
                                                       &Report::blind,
                                                       &Report::authentications,
                                                       &Report::refunds,
                                                       &Report::cards_held,
                                                       &Report::cards_taken,
                                                       &Report::left_to_a_person,
                                                       &Report::disputes,
                                                       &Report::refunds_failed,
                                                       &Report::tokens_asked_for,
                                                       &Report::pages_passed,
                                                       &Report::answers_compared,
                                                       &Report::assumed_unpaid,
                                                       &Report::handed_over_lost,
                                                       &Report::legs_lost,
                                                       &Report::money_lost_sight_of,
                                                       &Report::settled_changed,
                                                       &Report::refunded_since,
                                                       &Report::unasked_since,
                                                       &Report::never_rests,
                                                       &Report::verdicts_changed};
    for (const auto count : counts) this->*count += other.*count;
    for (const auto& [why, times] : other.stuck) stuck[why] += times;
}

namespace {

/// The house of Kassi in the world around it.
struct World {
    explicit World(const Life& life)
        : stage(life),
          randomness(life.seed ^ 0x9E3779B97F4A7C15U),
          town(stage,
               [this](const HttpRequest& request, std::function<void(int)> status) {
                   network.notice(request, std::move(status));
               }),
          network(stage, town),
          machine({stage, record, network, configure(), directory, settings, randomness}),
          people(stage, machine, town, record),
          inspector(stage, record, town, *registry) {
        record.bug = life.bug;
        network.door = [this](const HttpRequest& request, const std::function<void(int)>& answer) {
            notice(request, answer);
        };
        machine.visited = [this](const std::string& url) { people.visited(url); };
        machine.start();
    }
    ~World() { stage.over = true; }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    const providers::Registry& configure();
    void notice(const HttpRequest& request, const std::function<void(int)>& answer);
    void see_when(const HttpRequest& request, const providers::Flow& flow, const std::string& merchant,
                  Instant now);
    void live();

    Stage stage;
    SeededRandomness randomness;
    Town town;
    Network network;
    Record record;
    engine::Directory directory;
    engine::Settings settings;
    std::unique_ptr<providers::Registry> registry;
    Machine machine;
    People people;
    Inspector inspector;
};

const providers::Registry& World::configure() {
    settings.public_url = "http://kassi.test";
    if (stage.planted(Bug::seats_not_looked_at)) settings.times.hold_margin = -std::chrono::hours(1);
    directory.systems.push_back({"box", {}});
    directory.merchants = town.merchants();
    for (const auto name : People::callers) {
        engine::Caller caller;
        caller.name = name;
        caller.system = "box";
        caller.return_hosts = {"shop.test"};
        caller.ways["*"] = People::ways();
        caller.policy.partial = name == "partial";
        caller.policy.on_decline = name == "again" ? core::OnDecline::again : core::OnDecline::fail;
        caller.policy.confirm = name == "owner" ? core::Confirm::owner : core::Confirm::none;
        caller.credit_limits["GBP"] = credit_limit_minor;
        directory.callers.push_back(std::move(caller));
    }
    auto made = providers::Registry::make(directory.merchants);
    if (!made) throw std::runtime_error(made.error().field + ": " + made.error().message);
    registry = std::move(*made);
    return *registry;
}

/// "/webhooks/<provider>/<merchant>"
void World::notice(const HttpRequest& request, const std::function<void(int)>& answer) {
    Process* process = machine.door();
    if (process == nullptr) return;  // whoever sent it hears nothing
    const auto url = parse_url(request.target, "target");
    const std::string path(url->path());
    const auto last = path.rfind('/'), before = path.rfind('/', last - 1);
    const std::string provider = path.substr(before + 1, last - before - 1), merchant = path.substr(last + 1);
    HttpRequest relative = request;
    relative.target = path;
    stage.say("notice to " + path + " " + request.body);
    see_when(relative, *registry->flow(provider), merchant, process->now());
    process->engine().notice(provider, merchant, relative,
                             [this, life = process->life(), answer](const Result<engine::NoticeHeard>& done) {
                                 if (!*life) return;
                                 if (!done) stage.seen(Fault::notice_not_recorded);
                                 answer(done ? 200 : done.error().kind == ErrorKind::unavailable ? 503 : 400);
                             });
}

/// Where it falls in the life of its payment.
void World::see_when(const HttpRequest& request, const providers::Flow& flow, const std::string& merchant,
                     Instant now) {
    const auto read = flow.read(request, *registry->merchant(merchant), now);
    if (!read || read->reference.empty()) return;
    const auto found = record.find_leg(merchant, read->reference);
    if (!found) return stage.seen(Fault::notice_before_answer);
    const auto& transaction = record.rows.at(found->transaction).loaded.transaction;
    const auto* leg = core::find_leg(transaction, found->leg);
    if (leg != nullptr && leg->doing == core::Doing::call) stage.seen(Fault::notice_before_answer);
    if (core::has_verdict(transaction.phase)) stage.seen(Fault::notice_after_verdict);
}

void World::live() {
    static constexpr std::int64_t steps_max = 200'000;
    Backup backup(stage, record, machine, people, inspector, town);
    Storm storm(stage, machine, people, town, backup,
                [this](const HttpRequest& request) { notice(request, [](int) {}); });
    storm.plan();
    // A hold lasts up to 30 days, and what is to go back after it is tried for 25.
    const Instant end = stage.clock.at + std::chrono::hours(24 * 60);
    while (stage.report.steps < steps_max && stage.report.broken.empty() && !stage.given_up &&
           stage.step(end))
        inspector.check_changed();
    if (stage.report.steps >= steps_max) {
        stage.broken(Invariant::everything_ends, "it never comes to rest");
        for (const auto& [id, row] : record.rows)
            if (row.due_at) stage.say("due: " + core::state_json(row.loaded.transaction));
    }
    if (stage.given_up) ++stage.report.never_rests;
    if (!stage.report.broken.empty() || stage.given_up) return;
    inspector.check_end();
    people.check_end();
}

}  // namespace

Report run(const Life& life) {
    World world(life);
    try {
        world.live();
    } catch (const std::exception& error) {
        world.stage.broken(Invariant::no_assertion_fails, error.what());
    }
    auto& report = world.stage.report;
    report.lives = 1;
    report.fingerprint = std::hash<std::string>{}(report.trace);
    return std::move(report);
}

}  // namespace kassi::simulation
