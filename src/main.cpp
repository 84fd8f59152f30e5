#include <CLI/CLI.hpp>
#include <functional>

#include "sandbox/sandbox.hpp"
#include "service/commands.hpp"

/// The command line: words in, one call, an exit status out. Secrets never come this way: others can read it.
namespace {

using kassi::service::Place;

/// --config FILE or --data DIR, one of the two.
void add_place(CLI::App& command, Place& place) {
    auto* group = command.add_option_group("place", "Where the house is");
    group->add_option("--config", place.config_file, "configuration (TOML)")->type_name("FILE");
    group->add_option("--data", place.data_directory, "data directory of a sandbox")->type_name("DIR");
    group->require_option(1);
}

constexpr const char* restored_help =
    "the data are a copy (kassi backup) that was put back: ask for what happened since, then go on";

void add_backup(CLI::App& app, Place& place, std::string& file, std::function<int()>& run) {
    auto* command =
        app.add_subcommand("backup", "Copy the record, beside a running server too, and check the copy");
    add_place(*command, place);
    command->add_option("file", file, "the copy: must not exist")->required();
    command->footer("Exit status: 0 done, 1 findings and no copy, 2 could not.");
    command->callback([&] { run = [&] { return kassi::service::backup(place, file); }; });
}

void add_forget(CLI::App& app, Place& place, kassi::service::ForgetRequest& request,
                std::function<int()>& run) {
    auto* command = app.add_subcommand("forget", "Forget who paid, of what is settled, as a named person");
    add_place(*command, place);
    command->add_option("transaction", request.transaction, "uuid or reference (T000-...)")->required();
    command->add_option("--by", request.by, "who says so")->required()->type_name("NAME");
    command->add_option("--because", request.because, "why")->required()->type_name("TEXT");
    command->callback([&] { run = [&] { return kassi::service::forget(place, request); }; });
}

void add_apple_pay_check(CLI::App& group, kassi::service::ApplePayCheck& check, std::function<int()>& run) {
    auto* command = group.add_subcommand(
        "check", "Does a token verify and decrypt? Every step, then what it says, the number masked");
    command->add_option("--token", check.token_file, "the token as JSON")->required()->type_name("FILE");
    command->add_option("--certificate", check.certificate_file, "payment processing certificate (PEM)")
        ->required()
        ->type_name("FILE");
    command->add_option("--key", check.key_file, "its private key (PEM); only its owner may read the file")
        ->required()
        ->type_name("FILE");
    command->add_option("--root", check.root_file, "trusted root (PEM); left out: Apple's")
        ->type_name("FILE");
    command
        ->add_option("--merchant", check.merchant,
                     "merchant identifier; left out: the one that the certificate names")
        ->type_name("ID");
    command->add_option("--at", check.at, "ISO 8601 or Unix seconds; left out: now")->type_name("TIME");
    command->footer("Exit status: 0 everything holds, 1 a step failed, 2 could not.");
    command->callback([&] { run = [&] { return kassi::service::check_apple_pay(check); }; });
}

}  // namespace

int main(int argc, char** argv) {
    // Most commands have keys in their memory.
    kassi::service::forbid_core_dumps();
    CLI::App app{"Kassi: drives every payment of a trolley to one certain end, and can prove what happened."};
    app.name("kassi");
    app.set_version_flag("--version", "kassi " KASSI_VERSION);
    app.require_subcommand(1);

    // Exactly one subcommand is called, so what its words mean can be kept in one place.
    std::function<int()> run;
    Place place;
    std::string config_file;
    std::string transaction;
    std::string head;
    std::string format = "text";
    bool as_json = false;
    kassi::service::SettleRequest settlement;
    kassi::service::ApplePayCheck apple_pay_check;

    auto* serve = app.add_subcommand("serve", "Run the service until SIGTERM");
    serve->add_option("--config", config_file, "configuration (TOML)")->required()->type_name("FILE");
    bool restored = false;
    serve->add_flag("--restored", restored, restored_help);
    serve->callback([&] { run = [&] { return kassi::service::serve(config_file, restored); }; });

    kassi::sandbox::Options sandbox_options;
    auto* sandbox = app.add_subcommand(
        "sandbox", "Run everything on loopback, with demo accounts, simulators and a shop");
    sandbox->add_option("--port", sandbox_options.port, "port of 127.0.0.1; 0: any free one")
        ->capture_default_str();
    sandbox
        ->add_option("--data", sandbox_options.data_directory,
                     "data directory; left out: a fresh temporary one")
        ->type_name("DIR");
    sandbox->add_flag("--restored", sandbox_options.restored, restored_help);
    sandbox->callback([&] { run = [&] { return kassi::sandbox::run(sandbox_options); }; });
    place.sandbox_config = [](const std::string& data) { return kassi::sandbox::configuration(data); };

    auto* show = app.add_subcommand("show", "Print the story of a payment and explain its state");
    add_place(*show, place);
    show->add_option("transaction", transaction, "uuid or reference (T000-...)")->required();
    show->add_flag("--json", as_json, "for programs");
    show->callback([&] { run = [&] { return kassi::service::show(place, transaction, as_json); }; });

    auto* status = app.add_subcommand("status", "What is open, in doubt, or needs a person");
    add_place(*status, place);
    status->add_flag("--json", as_json, "for programs");
    status->callback([&] { run = [&] { return kassi::service::status(place, as_json); }; });

    auto* verify =
        app.add_subcommand("verify", "Replay the journal, compare it with the state, check both chains");
    add_place(*verify, place);
    verify->add_option("--head", head, "a head printed earlier, which must still be there");
    verify->footer("Exit status: 0 clean, 1 findings, 2 could not.");
    verify->callback([&] { run = [&] { return kassi::service::verify(place, head); }; });

    auto* sweep =
        app.add_subcommand("sweep", "Do what is due now: asks the running server, or does it itself");
    add_place(*sweep, place);
    sweep->add_flag("--json", as_json, "for programs");
    sweep->footer("Exit status: 0 done, 3 something needs a person, 2 could not.");
    sweep->callback([&] { run = [&] { return kassi::service::sweep(place, as_json); }; });

    std::string copy;
    add_backup(app, place, copy, run);
    kassi::service::ForgetRequest forgetting;
    add_forget(app, place, forgetting, run);

    auto* migrate = app.add_subcommand("migrate", "Bring the schema of a stopped house up to date");
    add_place(*migrate, place);
    migrate->callback([&] { run = [&] { return kassi::service::migrate(place); }; });

    auto* settle = app.add_subcommand("settle", "Say where the money of a leg is, as a named person");
    add_place(*settle, place);
    settle->add_option("transaction", settlement.transaction, "uuid or reference (T000-...)")->required();
    settle->add_option("--leg", settlement.leg, "number of the leg")->required();
    settle->add_option("--money", settlement.money, "where the money is")
        ->required()
        ->check(CLI::IsMember({"none", "held", "taken", "back"}));
    settle->add_option("--by", settlement.by, "who says so")->required()->type_name("NAME");
    settle->add_option("--because", settlement.because, "how you know")->required()->type_name("TEXT");
    settle->callback([&] { run = [&] { return kassi::service::settle(place, settlement); }; });

    auto* states = app.add_subcommand("states", "Print the state machine");
    states->add_option("--format", format, "text, dot or svg")
        ->capture_default_str()
        ->check(CLI::IsMember({"text", "dot", "svg"}));
    states->callback([&] { run = [&] { return kassi::service::states(format); }; });

    auto* check =
        app.add_subcommand("check-config", "Check a configuration and say everything that is wrong with it");
    check->add_option("--config", config_file, "configuration (TOML)")->required()->type_name("FILE");
    check->callback([&] { run = [&] { return kassi::service::check_config(config_file); }; });

    auto* hash = app.add_subcommand(
        "hash-password", "Read a password from standard input, print its hash for the configuration");
    hash->callback([&] { run = [] { return kassi::service::hash_password(); }; });

    auto* apple_pay = app.add_subcommand("apple-pay", "Look at tokens of Apple Pay");
    apple_pay->require_subcommand(1);
    add_apple_pay_check(*apple_pay, apple_pay_check, run);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kassi::service::exit_failed;
    }
    return kassi::service::guarded(run);
}
