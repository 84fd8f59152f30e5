#pragma once

#include <string>
#include <string_view>

#include "engine/engine.hpp"

namespace kassi::service {

/// A uuid or a reference ("T000-...", any case). Error: not_found, field "transaction".
Result<TransactionId> find_transaction(engine::Engine& engine, std::string_view text);

/// The whole story of a transaction as one JSON object: head, bundles, legs, every event as a sentence, the
/// explanation. Error: not_found, field "transaction".
Result<std::string> story_json(engine::Engine& engine, std::string_view transaction);

/// The same for a person at a terminal. `json` is what story_json() wrote. Control characters in it are shown
/// as
/// '?', so that a description from outside cannot steer the terminal.
std::string story_text(std::string_view json);

/// Text from outside made fit for a terminal: control characters are '?', what is not UTF-8 is U+FFFD.
std::string for_terminal(std::string_view text);

}  // namespace kassi::service
