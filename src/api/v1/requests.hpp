#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "core/input.hpp"
#include "engine/engine.hpp"
#include "store/store.hpp"

/// What the bodies and query strings of /v1 ask for. Each reader refuses with an error that names the field
/// as the caller wrote it, and knows nothing of the state.
namespace kassi::api::v1 {

/// system stays empty: the door knows it. Bundles keep their order.
Result<engine::HandOverRequest> read_hand_over(std::string_view body);
Result<engine::PurchaseRequest> read_purchase(std::string_view body);
Result<core::Hold> read_hold(std::string_view body);
Result<core::ConfirmAnswer> read_confirm(std::string_view body);
Result<core::Cancel> read_cancel(std::string_view body);
/// For POSTs that say everything by their address: nothing, or {}.
Result<core::Release> read_release(std::string_view body);

struct RefundRequest {
    std::int64_t leg = 0;
    std::int64_t minor = 0;  ///< in the currency of the leg
    std::string by, because;
};
Result<RefundRequest> read_refund(std::string_view body);

/// leg stays 0: it stands in the address.
Result<core::Settle> read_settle(std::string_view body);

struct CallbackRequest {
    std::string caller;
    Fields fields;  ///< in the order of the body
    std::string next_token;
};
Result<CallbackRequest> read_callback(std::string_view body);

/// Cursors are opaque to clients: they name the last thing of a page.
std::string cursor_of(const TransactionId& last);
std::string cursor_of(const store::StatementPlace& last);

struct ListRequest {
    store::ListFilter filter;  ///< system stays empty
};
Result<ListRequest> read_list(std::string_view query);

struct StatementRequest {
    Currency currency;
    Instant from{}, to{};         ///< from <= at < to
    store::StatementPlace after;  ///< where the page begins
};
Result<StatementRequest> read_statement(std::string_view query);
inline constexpr std::size_t statement_lines_max = 1000;  ///< of one page

struct WaysRequest {
    std::string caller, source;  ///< source "": every one that is known
};
Result<WaysRequest> read_ways(std::string_view query);

}  // namespace kassi::api::v1
