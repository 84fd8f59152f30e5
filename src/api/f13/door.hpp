#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/passwords.hpp"
#include "api/router.hpp"
#include "engine/engine.hpp"

/// The F13 door: what an unmodified pyticketswitch expects of the payment side, under /f13/.
namespace kassi::api {
namespace f13 {

/// One authenticated call, for an endpoint that is not the door's own.
struct BoxOfficeCall {
    const engine::Caller& caller;  ///< lives as long as the directory
    std::string endpoint;          ///< "reserve.v1"
    Fields fields;                 ///< query, then body
    engine::Meta meta;
};

/// The booking side of F13 (catalogue, trolley, reserve). Production has none: its booking systems hand over
/// through /v1, and those endpoints are 404.
class BoxOffice {
  public:
    struct Endpoint {
        std::string_view name;    ///< "reserve.v1"
        std::string_view method;  ///< "GET" | "POST"
    };
    using Done = std::function<void(Result<std::string>)>;  ///< the whole answer as JSON

    virtual ~BoxOffice() = default;
    [[nodiscard]] virtual std::vector<Endpoint> endpoints() const = 0;
    /// On the io thread; `done` exactly once, at once or later.
    virtual void handle(BoxOfficeCall call, Done done) = 0;
};

}  // namespace f13

struct F13Options {
    engine::Engine& engine;
    Passwords& passwords;
    std::shared_ptr<f13::BoxOffice> box_office;  ///< nullptr: payment side only
};

/// How long the answers of a reservation and of a purchase can be read again (f13.md 2.4, 2.8).
inline constexpr std::chrono::hours reserve_page_kept{24};
inline constexpr std::chrono::hours purchase_page_kept{365 * 24};

/// `engine` and `passwords` must outlive the Mount.
Mount f13_door(F13Options options);

}  // namespace kassi::api
