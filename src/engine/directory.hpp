#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/money.hpp"
#include "base/secret.hpp"
#include "core/decide.hpp"
#include "providers/flow.hpp"

/// Who is known to the house: systems, callers, merchants, sources. Data, from the configuration.
namespace kassi::engine {

/// A booking system: has the /v1 credential, sees its callers' transactions.
struct System {
    std::string name;
    std::vector<std::string> key_digests;  ///< lower-case hex SHA-256 of each accepted API key
};

/// What a caller may do at the TicketOrder door, and how it says who it is.
struct TicketOrderAccess {
    std::vector<std::string> roles;        ///< of ticket_order_roles
    std::vector<std::string> permissions;  ///< of ticket_order_permissions
    std::vector<std::string> key_digests;  ///< lower-case hex SHA-256 of each accepted API key
    /// required: every order is signed. optional: one that is must be right. off: nobody looks.
    enum class Signature { off, optional, required } signature = Signature::off;
    std::string system_id;          ///< as requests name it; "" the caller cannot sign
    Secret<> secret;                ///< of that system
    bool secret_is_enough = false;  ///< the secret itself, sent along, will do in place of a signature
    /// MpiTokens of a 3-D Secure that did not go through our own routes are taken, too.
    bool allow_foreign_mpi = false;
};
inline constexpr std::string_view ticket_order_roles[] = {"Admin", "TeamAdmin", "MobileApp"};
inline constexpr std::string_view ticket_order_permissions[] = {"ReadData"};

/// An F13 user or an app of one system.
struct Caller {
    std::string name;  ///< the F13 user id
    std::string system;
    std::string password_hash;  ///< crypto::hash_password; "" cannot log in
    std::string real_name;
    std::string country = "uk";  ///< F13 spelling, lower case
    std::vector<std::string>
        return_hosts;  ///< "fromtheboxoffice.com", "127.0.0.1:8080"; the port only when not the scheme's
    /// Ways of paying by source, "*" for any other: merchants, the first is the default.
    std::map<std::string, std::vector<std::string>> ways;
    core::Policy policy;
    std::map<std::string, std::int64_t> credit_limits;  ///< currency code -> minor units; absent: no limit
    TicketOrderAccess ticket_order;                     ///< none by default: known there, and may do nothing
};

struct Source {
    std::string code;         ///< "ext_test1"
    std::string description;  ///< "External Test Backend 1"
};

struct Directory {
    std::vector<System> systems;
    std::vector<Caller> callers;
    std::vector<Source> sources;  ///< empty: any source may be handed over
    std::vector<providers::Merchant> merchants;
    /// All of them, those that no merchant names yet, too: Apple looks at the domains first.
    std::vector<std::shared_ptr<const providers::apple_pay::Shop>> apple_pay_shops;

    [[nodiscard]] const System* system(std::string_view name) const;
    [[nodiscard]] const Caller* caller(std::string_view name) const;
    [[nodiscard]] const Source* source(std::string_view code) const;
    /// The merchants that may take the money of `source` for `caller`; empty when none.
    [[nodiscard]] std::vector<std::string> ways(const Caller& caller, std::string_view source) const;
};

/// Live mode is for real money: no simulators, https return URLs, signed returns.
enum class Mode { sandbox, live };

struct Settings {
    Mode mode = Mode::sandbox;
    std::string public_url;  ///< "http://127.0.0.1:8080": where browsers and providers reach us
    core::Times times;
    Millis answer_within{20'000};     ///< how long a door waits for rest
    bool visit_loopback_only = true;  ///< sandbox: other hosts are journaled as withheld
    /// Who paid is forgotten when a transaction is settled and nothing happened to it for so long; absent:
    /// kept.
    std::optional<std::chrono::days> retention;
    /// Calls that are open with one merchant at the same moment; the rest waits in order for a few seconds,
    /// and is known not done after that, as is one that finds the queue full.
    std::size_t merchant_calls_at_once_max = 128;
    std::size_t merchant_calls_waiting_max = 1024;
};

}  // namespace kassi::engine
