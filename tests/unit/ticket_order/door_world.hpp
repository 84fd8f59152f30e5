#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "../f13/world.hpp"
#include "api/ticket_order/door.hpp"
#include "engine/engine.hpp"
#include "sandbox/simulators/borgun_house.hpp"

namespace kassi::api::ticket_order {

inline constexpr const char* approving_card = "5587402000012011";
inline constexpr const char* declining_card = "4155520000000002";
inline constexpr const char* secure_card = "4000000000003220";  ///< 130 without 3-D Secure
inline constexpr const char* cvc = "737";

/// The sandbox's accounts, event, engine and store, with its Borgun, and without sockets.
class DoorWorld {
  public:
    DoorWorld();
    ~DoorWorld();

    struct Request {
        std::string method = "POST";
        std::string target = "/ticketOrder";
        std::string body;
        std::string user = "app";  ///< by Basic; "" says nothing
        Fields headers = {{"Content-Type", "application/json"}};
    };
    struct Answer {
        int status = 0;
        nlohmann::json body;  ///< discarded when it is no JSON
        HttpResponse raw;
        [[nodiscard]] int code() const { return body.value("statusCode", -1); }
        [[nodiscard]] std::string token() const {
            return body.value("/ticketAndDetails/eventTicket/ticketTokenId"_json_pointer, std::string());
        }
        /// "400 Equal CardInfo.Amount": status, errorCode and the first field.
        [[nodiscard]] std::string refusal() const;
    };
    Answer send(const Request& request);
    Answer order(const nlohmann::json& order, const std::string& user = "app") {
        return send({.body = order.dump(), .user = user});
    }
    Answer get(const std::string& target, const std::string& user = "app") {
        return send({.method = "GET", .target = target, .body = {}, .user = user, .headers = {}});
    }
    /// All of them before the first answer.
    std::vector<Answer> send_at_once(const std::vector<Request>& requests);

    /// Two adults and a child: 11970 kr., by card.
    static nlohmann::json family(const std::string& order_id = "ABC123456789",
                                 const std::string& pan = approving_card);
    /// The same for what was handed over.
    static nlohmann::json family_for(const std::string& reservation, const std::string& order_id);
    /// Signed as the sandbox's account of that name, now or `late` after now.
    nlohmann::json signed_by(const std::string& account, nlohmann::json order, Millis late = Millis(0));

    /// As a booking system does by /v1: one bundle for each amount, in krona.
    TransactionId hand_over(const std::vector<std::int64_t>& amounts, const std::string& caller = "app",
                            const std::string& document = "");
    /// The hand-over of that order, and no purchase: a crash between the two.
    TransactionId hand_over_as_the_door_does(const nlohmann::json& order);

    /// How often money was taken at the gateway.
    [[nodiscard]] std::size_t charges() const;
    [[nodiscard]] std::size_t transactions();
    /// Looks at what is due, until nothing is.
    void sweep();
    /// From now on the gateway works, and its answers to payments are lost; or are not.
    void lose_answers(bool lose);

    engine::Engine& engine();
    engine::Settings& settings();
    f13::TestClock& clock() { return clock_; }
    sandbox::BorgunHouse& borgun();
    /// The door anew: sessions are gone. `change` may set its options.
    void open_door(const std::function<void(TicketOrderOptions&)>& change = nullptr);
    /// Of that caller, from now on.
    engine::TicketOrderAccess& access(const std::string& caller);
    [[nodiscard]] std::string key_of(const std::string& account) const;
    std::string folder() const;

  private:
    struct State;
    Loop loop_;
    f13::TestClock clock_;
    SystemRandomness randomness_;
    std::unique_ptr<State> state_;
};

}  // namespace kassi::api::ticket_order
