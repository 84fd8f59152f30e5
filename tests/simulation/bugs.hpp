#pragma once

#include <string>
#include <string_view>

#include "base/http_message.hpp"
#include "store/store.hpp"
#include "tests/simulation/faults.hpp"

/// How bugs are planted in what is written and in what goes over the wire. Bug::none changes nothing.
namespace kassi::simulation {

/// What a broken core or store would commit instead. Events and state agree, unless the bug is that they do
/// not.
void spoil(Bug bug, const core::Transaction* before, store::Unit& unit, std::string_view last_request);
/// The texts of a row as they are kept.
void spoil_text(Bug bug, std::string& state, std::string& row);
/// A claim of this scope is not remembered.
bool forgets(Bug bug, std::string_view scope);

/// On its way to a provider.
void spoil_request(Bug bug, HttpRequest& request);
/// The request never gets there: this is the answer.
bool answers_instead(Bug bug, const HttpRequest& request, const Handler& house, HttpResponse& answer);
/// On its way back.
void spoil_answer(Bug bug, const HttpRequest& request, HttpResponse& answer);

}  // namespace kassi::simulation
