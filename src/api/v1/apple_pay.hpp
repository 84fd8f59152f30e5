#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/engine.hpp"
#include "providers/credentials/apple_pay.hpp"

/// A merchant session for a page of the caller's own.
namespace kassi::api::v1 {

struct SessionRequest {
    std::string validation_url;    ///< "" not given
    std::string merchant, source;  ///< one of them at most
    std::string domain;            ///< "" the shop's first
};
Result<SessionRequest> read_session_request(std::string_view body);

struct SessionChoice {
    std::shared_ptr<const providers::apple_pay::Shop> shop;
    std::string domain;
};
/// Whose session it is: the merchant that is named, or the default of the source, or else the first that the
/// caller may pay a bundle of this transaction with and that has a shop. Errors: bad_request naming what does
/// not fit; conflict when there is nothing left to pay.
Result<SessionChoice> choose_session(const engine::Engine& engine, const core::Transaction& transaction,
                                     const SessionRequest& request);

}  // namespace kassi::api::v1
