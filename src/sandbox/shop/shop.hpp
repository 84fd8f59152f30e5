#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/http_message.hpp"
#include "engine/engine.hpp"
#include "sandbox/street.hpp"

/// The demo shop: a booking system that sells what the box office has, pays it through the engine, and shows
/// the story of every transaction. Server-rendered, without scripts; a trolley lives in its token.
namespace kassi::sandbox::shop {

struct Parts {
    engine::Engine& engine;
    boost::asio::io_context& io;
    std::shared_ptr<SystemClock> clock;
    Street& street;
    std::string url;         ///< of the doors: "http://127.0.0.1:8080"
    std::string simulators;  ///< origin of the payment pages
    std::string data;        ///< data directory, as `kassi show --data` takes it
    Secret<> token_key;      ///< of the box office's trolley tokens
    struct Place {
        std::string name, address;
        bool link = true;
    };
    std::vector<Place> places;  ///< what the page "Where is what" lists
};

/// Transactions on one page of the list.
inline constexpr std::size_t list_page = 30;
/// How long an answer may wait for what the clock set in motion.
inline constexpr Millis quiet_within{4'000};

class Shop {
  public:
    explicit Shop(Parts parts);
    ~Shop();
    Shop(const Shop&) = delete;
    Shop& operator=(const Shop&) = delete;
    /// To be mounted at "/". The shop must outlive it.
    [[nodiscard]] Handler handler();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::sandbox::shop
