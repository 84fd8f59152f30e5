#pragma once

#include <functional>
#include <string>

#include "service/service.hpp"

/// The operator's commands. Each answers with the exit status of the process: 0 done and nothing to do, 2
/// could not (the reason is on standard error); sweep, verify and backup have more to say. What they throw is
/// guarded()'s.
namespace kassi::service {

/// What exit statuses mean.
inline constexpr int exit_ok = 0;
inline constexpr int exit_findings = 1;      ///< verify, backup: the record is not as it should be
inline constexpr int exit_failed = 2;        ///< could not do it; also a wrong command line
inline constexpr int exit_needs_person = 3;  ///< sweep: done, and something waits for a person
inline constexpr int exit_lock_held = 75;    ///< another process holds <data>/lock (EX_TEMPFAIL)

/// Where the house is: one of the two is given.
struct Place {
    std::string config_file;
    std::string data_directory;  ///< of a sandbox
    /// The configuration of a sandbox in that directory, without a server (main.cpp: only it sees the
    /// sandbox).
    std::function<Config(const std::string& data_directory)> sandbox_config;
};

/// Runs a command; the exit status also of one that throws, whose reason goes to standard error.
int guarded(const std::function<int()>& command);

int show(const Place& place, const std::string& transaction, bool as_json);
int status(const Place& place, bool as_json);
int verify(const Place& place, const std::string& head);
int sweep(const Place& place, bool as_json);
int migrate(const Place& place);
/// A copy of the record as `file`, checked.
int backup(const Place& place, const std::string& file);
struct ForgetRequest {
    std::string transaction, by, because;
};
int forget(const Place& place, const ForgetRequest& request);
struct SettleRequest {
    std::string transaction;
    std::int64_t leg = 0;
    std::string money;  ///< none held taken back
    std::string by, because;
};
int settle(const Place& place, const SettleRequest& request);
/// `format`: text, dot or svg.
int states(const std::string& format);
int check_config(const std::string& file);
/// Reads the password without echo from a terminal (twice), or one line of standard input.
int hash_password();
/// Files and words of `kassi apple-pay check`.
struct ApplePayCheck {
    std::string token_file, certificate_file, key_file;
    std::string root_file;  ///< "": Apple's own root
    std::string merchant;   ///< "": the identifier that the certificate names
    std::string at;         ///< ISO 8601 or Unix seconds; "": now
};
/// Every step of a check with its outcome, then the content, the card's number masked. exit_ok only when all
/// of it holds; exit_findings when a step failed; exit_failed when files or words are wrong.
int check_apple_pay(const ApplePayCheck& check);
/// Runs the house until SIGTERM or SIGINT. `restored`: its data are a copy, to be put to work.
int serve(const std::string& config_file, bool restored);

}  // namespace kassi::service
