#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/http_message.hpp"
#include "sandbox/street.hpp"
#include "service/service.hpp"
#include "tests/unit/temporary.hpp"

namespace kassi::sandbox {

using nlohmann::json;

/// The sandbox without its shop, in this process: the house with its demo accounts on a thread of its own,
/// its simulators on another, and whoever asks on the test's.
class Town {
  public:
    Town();
    ~Town();
    Town(const Town&) = delete;
    Town& operator=(const Town&) = delete;

    [[nodiscard]] std::string url(const std::string& path) const;
    [[nodiscard]] std::string simulators(const std::string& path) const { return street_->origin() + path; }

    // ---- requests: absolute URLs, nothing is sent yet
    /// As the box office. `key` "" none.
    [[nodiscard]] HttpRequest v1(const std::string& method, const std::string& path,
                                 const json& body = nullptr, const std::string& key = "") const;
    /// F13 and TicketOrder, with the password of the demo accounts.
    [[nodiscard]] HttpRequest f13(const std::string& endpoint, const Fields& fields,
                                  const std::string& user) const;
    [[nodiscard]] HttpRequest ticket_order(const json& order, const std::string& user) const;

    // ---- one request, and its answer
    static HttpResponse send(HttpRequest request);
    /// One bundle of 11000 GBP for `caller`: the transaction's id.
    [[nodiscard]] std::string hand_over(const std::string& caller) const;
    [[nodiscard]] json read(const std::string& id) const;
    /// Until its phase is that; a minute is for ever.
    [[nodiscard]] json read_until(const std::string& id, const std::string& phase) const;
    /// Until every leg rests where it should.
    [[nodiscard]] json read_settled(const std::string& id) const;
    /// The inputs of its journal, each with how often it is there.
    [[nodiscard]] std::map<std::string, int> inputs(const std::string& id) const;
    /// "held 11000, taken 11000" of all that moved at that simulator: "" redirect, "/stripe", "/borgun".
    [[nodiscard]] std::string ledger(const std::string& simulator) const;
    /// What is left there of that transaction's money: taken, less given back.
    [[nodiscard]] std::int64_t kept(const std::string& simulator, const std::string& id) const;
    void faults(const std::string& simulator, const std::string& rules) const;
    /// What the customer does at the redirect house's page for the callout; where the browser is sent.
    [[nodiscard]] std::string at_the_page(const json& transaction, const std::string& act) const;
    /// Stops the house; what verify() finds.
    [[nodiscard]] std::string stop_and_verify();

    const Secret<> key{std::string(32, 'k')};

  private:
    [[nodiscard]] json read_until(const std::string& id, const std::string& member, const json& value) const;

    TemporaryFolder folder_;
    std::shared_ptr<SystemClock> clock_ = std::make_shared<SystemClock>();
    SystemRandomness randomness_;
    std::unique_ptr<Street> street_;
    std::unique_ptr<service::Service> service_;
    std::thread thread_;
};

}  // namespace kassi::sandbox
