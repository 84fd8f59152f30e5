#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/v1/requests.hpp"
#include "base/json.hpp"
#include "core/explain.hpp"
#include "engine/engine.hpp"
#include "store/store.hpp"

/// The answers of /v1 as JSON. All are functions of what is stored: the same state gives the same bytes, so a
/// replayed POST repeats its first answer.
namespace kassi::api::v1 {

/// The Transaction of openapi.yaml. `public_url` leads callout pages.
void write_transaction(JsonWriter& json, const engine::View& view, std::string_view public_url);
std::string transaction_json(const engine::View& view, std::string_view public_url);

/// {"data":[...],"next_cursor":...}; `next_cursor` "" prints null.
std::string list_json(const std::vector<engine::View>& views, std::string_view next_cursor,
                      std::string_view public_url);

std::string explanation_json(const core::Transaction& transaction, const core::Explanation& explanation);

/// Rows of one transaction in order, each event beside its sentence. The events are the stored bytes.
Result<std::string> journal_json(const TransactionId& id, const std::vector<store::StoredRow>& rows);

std::string statement_json(const std::string& caller, const StatementRequest& request,
                           std::span<const store::StatementLine> lines, std::string_view next_cursor);
std::string balances_json(const std::string& caller, const std::vector<store::Balance>& balances);

/// Who may take the money of each source, the default first.
std::string ways_json(const engine::Engine& engine, const engine::Caller& caller, const WaysRequest& request);

}  // namespace kassi::api::v1
