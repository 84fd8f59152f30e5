#include "service/commands.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "core/tables.hpp"
#include "service/control.hpp"
#include "service/house.hpp"
#include "service/story.hpp"

namespace kassi::service {
namespace {

using nlohmann::json;

constexpr std::size_t password_bytes_max = 1024;

void print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (!text.ends_with('\n')) std::fputc('\n', stdout);
    std::fflush(stdout);
}

int fail(std::string_view why) {
    std::fprintf(stderr, "kassi: %s\n", for_terminal(why).c_str());
    return exit_failed;
}

int fail(const Error& error) {
    return fail(error.field.empty() ? error.message : error.field + ": " + error.message);
}

/// How far long work is: one line that is written over, on a terminal only.
class ProgressLine {
  public:
    explicit ProgressLine(std::string what) : what_(std::move(what)), shown_(::isatty(STDERR_FILENO) == 1) {}
    ~ProgressLine() { clear(); }
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void at(std::int64_t done, std::int64_t of) {
        constexpr std::int64_t width = 30;
        const auto share = of > 0 ? std::min(width, done * width / of) : width;
        const auto percent = of > 0 ? std::min<std::int64_t>(100, done * 100 / of) : 100;
        if (percent == last_percent_) return;
        last_percent_ = percent;
        say(fmt::format("{} [{:<30}] {:>3} %  {} of {}", what_,
                        std::string(static_cast<std::size_t>(share), '#'), percent, done, of));
    }
    void say(std::string_view text) {
        if (!shown_) return;
        std::fprintf(stderr, "\r\033[K%s", for_terminal(text).c_str());
        std::fflush(stderr);
        dirty_ = true;
    }
    void clear() {
        if (dirty_) std::fprintf(stderr, "\r\033[K");
        dirty_ = false;
    }

  private:
    std::string what_;
    bool shown_;
    bool dirty_ = false;
    std::int64_t last_percent_ = -1;
};

/// The configuration, with every reason why it cannot be had.
Config configuration(const Place& place) {
    if (place.config_file.empty()) {
        if (!std::filesystem::exists(place.data_directory))
            throw std::runtime_error(place.data_directory + ": there is no such folder");
        return place.sandbox_config(place.data_directory);
    }
    auto config = read_config(place.config_file);
    if (!config) throw std::runtime_error(config.error().field + ": " + config.error().message);
    return std::move(*config);
}

/// What verify and migrate need of it: directory and key.
struct Record {
    std::string directory;
    Secret<> master_key;
};
Record record(const Place& place) {
    if (place.config_file.empty()) {
        const auto text = read_secret_file(place.data_directory + "/" + sandbox_key_file);
        if (!text) throw std::runtime_error(text.error().message);
        auto key = parse_master_key(*text);
        if (!key) throw std::runtime_error(std::string(sandbox_key_file) + ": " + key.error().message);
        return {place.data_directory, std::move(*key)};
    }
    auto config = configuration(place);
    return {config.data_directory, std::move(config.master_key)};
}

/// The request done by this process itself, with the lock held.
Result<std::string> ask_house(const Config& config, const std::string& request, bool begins_work,
                              const Operations::Progress& progress) {
    boost::asio::io_context io{1};
    const auto work = boost::asio::make_work_guard(io);
    const auto copy = begins_work ? House::Copy::refuse : House::Copy::read;
    House house(io, config, std::make_shared<SystemClock>(), copy);
    Operations operations(house.engine(), house.outside());
    if (begins_work) {
        house.check_merchants();
        house.engine().start();
    }
    std::optional<Result<std::string>> answer;
    operations.handle(request, progress, [&](Result<std::string> given) { answer = std::move(given); });
    while (!answer) io.run_one();
    if (begins_work) {
        bool stopped = false;
        house.engine().stop(stop_patience, [&] { stopped = true; });
        while (!stopped) io.run_one();
    }
    return std::move(*answer);
}

/// Of the server when one runs on that directory, else of the house opened for this one request.
Result<std::string> ask(const Place& place, const std::string& request, bool begins_work,
                        const Operations::Progress& progress) {
    auto directory = place.data_directory;
    std::optional<Config> config;
    if (directory.empty()) {
        config = configuration(place);
        directory = config->data_directory;
    }
    if (!std::filesystem::exists(directory))
        throw std::runtime_error(directory + ": there is no such folder");
    if (auto answer = ask_server(directory, request, progress)) return std::move(*answer);
    if (!config) config = configuration(place);
    log::start(log::Level::warning);
    return ask_house(*config, request, begins_work, progress);
}

const Operations::Progress no_progress = [](const std::string&) {};

/// What a person asks to be done to a transaction, and the words for what has become of it.
int change(const Place& place, const std::string& request, std::string (*words)(const json& after)) {
    const auto answer = ask(place, request, true, no_progress);
    if (!answer) return fail(answer.error());
    print(for_terminal(words(json::parse(*answer))));
    return exit_ok;
}

}  // namespace

int guarded(const std::function<int()>& command) {
    try {
        return command();
    } catch (const StoppedWaiting&) {
        return exit_ok;
    } catch (const LockHeld& error) {
        (void)fail(error.what());
        return exit_lock_held;
    } catch (const std::exception& error) {
        return fail(error.what());
    }
}

int show(const Place& place, const std::string& transaction, bool as_json) {
    const auto request =
        JsonWriter().begin_object().field("do", "show").field("transaction", transaction).end_object().take();
    const auto story = ask(place, request, false, no_progress);
    if (!story) return fail(story.error());
    print(as_json ? *story : story_text(*story));
    return exit_ok;
}

namespace {

/// Whether the record is a copy, or goes on from one, and what may have happened that it does not know.
void print_origin(const json& status) {
    // A server that was not restarted yet says nothing of it.
    const auto text = [&status](const char* name) {
        const auto found = status.find(name);
        return found != status.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    if (const auto copied_at = text("copied_at"); !copied_at.empty())
        print("a copy made at " + copied_at + ", not put to work: start it with --restored");
    if (const auto restored_at = text("restored_at"); !restored_at.empty())
        print("restored from a copy of " + text("restored_from") + " at " + restored_at);
    if (const auto unmatched = status.value("unmatched", std::int64_t{0}); unmatched > 0)
        print(fmt::format("{} notices of providers match nothing{}", unmatched,
                          text("restored_at").empty()
                              ? ""
                              : ": money may have moved for what was handed over since the copy was made"));
}

}  // namespace

int status(const Place& place, bool as_json) {
    const auto answer = ask(place, R"({"do":"status"})", false, no_progress);
    if (!answer) return fail(answer.error());
    if (as_json) {
        print(*answer);
        return exit_ok;
    }
    const auto read = json::parse(*answer);
    const auto count = [&](const char* name) { return read.at(name).get<std::int64_t>(); };
    print(fmt::format("{} transactions, {} open, {} in doubt, {} need a person; {} journal rows",
                      count("transactions"), count("open"), count("in_doubt"), count("needs_person"),
                      count("journal_rows")));
    print_origin(read);
    for (const auto& entry : read.at("look_at")) {
        const auto since = entry.value("since", json());
        print(fmt::format("{}  {}{}{}  {}", entry.at("reference").get<std::string>(),
                          entry.at("phase").get<std::string>(),
                          entry.at("needs_person").get<bool>() ? ", NEEDS A PERSON" : "",
                          since.is_string() ? ", unknown since " + since.get<std::string>() : "",
                          for_terminal(entry.at("summary").get<std::string>())));
    }
    // A server that was not restarted yet says how many more.
    const auto& more = read.at("more");
    if (more.is_boolean() ? more.get<bool>() : more.get<std::int64_t>() > 0) print("and more");
    return exit_ok;
}

namespace {

void print_findings(const std::vector<store::Finding>& findings) {
    for (const auto& finding : findings) {
        std::string where;
        if (finding.row != 0) where += fmt::format("row {}: ", finding.row);
        if (!finding.transaction.empty()) where += finding.transaction + ": ";
        print(for_terminal(where + finding.what));
    }
}

}  // namespace

int backup(const Place& place, const std::string& file) {
    const auto of = record(place);
    ProgressLine progress("backup");
    const auto report = store::backup(of.directory, of.master_key, file, SystemClock().now(),
                                      [&](std::int64_t done, std::int64_t all) { progress.at(done, all); });
    progress.clear();
    if (!report) return fail(report.error());
    print_findings(report->findings);
    if (!report->findings.empty()) {
        (void)fail(fmt::format("{} findings: the record is not as it should be, and no copy was kept",
                               report->findings.size()));
        return exit_findings;
    }
    print(fmt::format("{}  {} bytes, {} transactions, {} journal rows", for_terminal(file), report->bytes,
                      report->transactions, report->rows));
    if (!report->head_hex.empty()) print("head " + report->head_hex);
    return exit_ok;
}

int verify(const Place& place, const std::string& head) {
    const auto of = record(place);
    ProgressLine progress("verify");
    const auto report = store::verify(of.directory, of.master_key, head,
                                      [&](std::int64_t done, std::int64_t all) { progress.at(done, all); });
    progress.clear();
    if (!report) return fail(report.error());
    print_findings(report->findings);
    print(fmt::format(
        "{} rows, {} transactions, {} seals: {}", report->rows, report->transactions, report->seals,
        report->findings.empty() ? "clean" : fmt::format("{} findings", report->findings.size())));
    if (!report->head_hex.empty()) print("head " + report->head_hex);
    return report->findings.empty() ? exit_ok : exit_findings;
}

int sweep(const Place& place, bool as_json) {
    ProgressLine progress("sweep");
    const auto answer = ask(place, R"({"do":"sweep"})", true,
                            [&](const std::string& line) { progress.say("sweep: " + line); });
    progress.clear();
    if (!answer) return fail(answer.error());
    const auto report = json::parse(*answer);
    const auto count = [&](const char* name) { return report.at(name).get<std::int64_t>(); };
    if (as_json) {
        print(*answer);
    } else {
        for (const auto& line : report.at("lines")) print(for_terminal(line.get<std::string>()));
        print(fmt::format(
            "{} looked at: {} released, {} visited, {} settled, {} still open, {} forgotten; {} "
            "need a person",
            count("looked_at"), count("released"), count("visited"), count("settled"), count("still_open"),
            report.value("forgotten", std::int64_t{0}), count("needs_person")));
    }
    return count("needs_person") > 0 ? exit_needs_person : exit_ok;
}

int migrate(const Place& place) {
    const auto of = record(place);
    ProgressLine progress("migrate");
    const auto done = store::migrate(of.directory, of.master_key,
                                     [&](std::int64_t at, std::int64_t all) { progress.at(at, all); });
    progress.clear();
    if (!done && done.error().kind == ErrorKind::unavailable) throw LockHeld(done.error().message);
    if (!done) return fail(done.error());
    print("schema " + *done);
    return exit_ok;
}

int settle(const Place& place, const SettleRequest& request) {
    const auto text = JsonWriter()
                          .begin_object()
                          .field("do", "settle")
                          .field("transaction", request.transaction)
                          .field("leg", request.leg)
                          .field("money", request.money)
                          .field("by", request.by)
                          .field("because", request.because)
                          .end_object()
                          .take();
    return change(place, text, [](const json& after) {
        return fmt::format("{}  {}{}  {}", after.at("reference").get<std::string>(),
                           after.at("phase").get<std::string>(),
                           after.at("settled").get<bool>() ? "" : ", not settled yet",
                           after.at("summary").get<std::string>());
    });
}

int forget(const Place& place, const ForgetRequest& request) {
    const auto text = JsonWriter()
                          .begin_object()
                          .field("do", "forget")
                          .field("transaction", request.transaction)
                          .field("by", request.by)
                          .field("because", request.because)
                          .end_object()
                          .take();
    return change(place, text,
                  [](const json& after) { return after.at("reference").get<std::string>() + "  forgotten"; });
}

int states(const std::string& format) {
    if (format == "text") {
        print(core::states_text());
    } else if (format == "dot") {
        print(core::states_dot());
    } else if (format == "svg") {
        print(core::states_svg());
    } else {
        return fail("--format must be text, dot or svg");
    }
    return exit_ok;
}

int check_config(const std::string& file) {
    const auto reading = read_config_fully(file);
    for (const auto& error : reading.errors)
        std::fprintf(stderr, "%s: %s\n", for_terminal(error.field).c_str(),
                     for_terminal(error.message).c_str());
    if (!reading.config) return exit_failed;
    print("ok");
    return exit_ok;
}

namespace {

/// No echo while it lives, also when the process is interrupted at the prompt: signals wait until then.
class SilentTerminal {
  public:
    SilentTerminal() {
        ::tcgetattr(STDIN_FILENO, &before_);
        auto silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        sigset_t interrupts;
        sigemptyset(&interrupts);
        for (const int signal : {SIGINT, SIGTERM, SIGTSTP, SIGQUIT}) sigaddset(&interrupts, signal);
        ::sigprocmask(SIG_BLOCK, &interrupts, &mask_before_);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    ~SilentTerminal() {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
        std::fputc('\n', stderr);
        ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
    }
    SilentTerminal(const SilentTerminal&) = delete;
    SilentTerminal& operator=(const SilentTerminal&) = delete;

  private:
    termios before_{};
    sigset_t mask_before_{};
};

Secret<> read_line() {
    std::string line;
    std::getline(std::cin, line);
    if (line.ends_with('\r')) line.pop_back();
    Secret<> secret(line);
    wipe(line.data(), line.size());
    return secret;
}

Secret<> prompt(const char* what) {
    const SilentTerminal silent;  // before the prompt: whoever sees it may type
    std::fputs(what, stderr);
    std::fflush(stderr);
    return read_line();
}

}  // namespace

int hash_password() {
    const bool person = ::isatty(STDIN_FILENO) == 1;
    const auto password = person ? prompt("Password: ") : read_line();
    if (password.empty()) return fail("the password is empty");
    if (password.reveal().size() > password_bytes_max) return fail("the password is longer than 1024 bytes");
    if (person && !crypto::equal(password.reveal(), prompt("Again: ").reveal()))
        return fail("the two are not the same");
    SystemRandomness randomness;
    print(crypto::hash_password(password.reveal(), randomness));
    return exit_ok;
}

int serve(const std::string& config_file, bool restored) {
    auto reading = read_config_fully(config_file);
    if (!reading.config) {
        for (const auto& error : reading.errors) (void)fail(error);
        return exit_failed;
    }
    log::start(reading.config->debug_log ? log::Level::debug : log::Level::info, reading.config->log_file);
    reading.config->restored = restored;
    Service service(std::move(*reading.config), std::make_shared<SystemClock>());
    return service.run();
}

}  // namespace kassi::service
