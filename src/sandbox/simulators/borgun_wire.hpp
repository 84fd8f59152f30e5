#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/http_message.hpp"
#include "base/secret.hpp"

/// How the gateway reads and writes: names in any case, enums as words or numbers, errors as "Field: reason".
namespace kassi::sandbox::borgun {

/// What is wrong with a request, in the order of its fields.
class Problems {
  public:
    void add(std::string_view field, std::string_view reason);
    [[nodiscard]] bool empty() const { return text_.empty(); }
    /// 400 {"Message":"Field: reason; Field: reason"}
    [[nodiscard]] HttpResponse answer() const;

  private:
    std::string text_;
};

HttpResponse message_answer(int status, std::string_view message);
HttpResponse problem(std::string_view field, std::string_view reason);

/// A JSON object whose names are found in any case; null reads as absent.
class Body {
  public:
    explicit Body(nlohmann::json& object) : object_(object) {}
    [[nodiscard]] nlohmann::json* find(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
    /// "" when absent or no text.
    [[nodiscard]] std::string text(std::string_view name) const;
    /// The same, and wiped from the JSON.
    [[nodiscard]] Secret<> take_secret(std::string_view name) const;
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name) const;
    /// Nullopt when absent or no object.
    [[nodiscard]] std::optional<Body> object(std::string_view name) const;

  private:
    nlohmann::json& object_;
};

using EnumWords = std::span<const std::pair<std::string_view, int>>;
/// A word in any case or its number; nullopt otherwise.
std::optional<int> read_enum(const Body& body, std::string_view name, EnumWords words);

bool same_word(std::string_view left, std::string_view right);
std::string lower(std::string_view text);

/// "2026-11-23T10:04:11" out of what merchants send: fractions, offsets and zones are dropped, a date alone
/// is midnight, a zone's name or a blank may stand for T. Nullopt for anything else.
std::optional<std::string> read_transaction_date(std::string_view text);

/// A zlib stream of stored blocks, which every reader of zlib understands.
std::string zlib_pack(std::string_view bytes);
/// Reads what zlib_pack() writes; nullopt for anything else.
std::optional<std::string> zlib_unpack(std::string_view packed);

/// base64 or base64url, padded or not, blanks and line ends inside: as forms bring it.
std::optional<std::string> lenient_base64(std::string_view text);

/// "20260110100000" of 2026-01-10T10:00:00Z.
std::string digits_of(Instant at);

}  // namespace kassi::sandbox::borgun
