#pragma once

#include <string>
#include <string_view>

#include "sandbox/simulators/stripe_books.hpp"

/// The objects as /v1 shows them.
namespace kassi::sandbox::stripe {

/// "2026-08-26.dahlia"; what changed between versions is asked by date.
struct Version {
    std::string text;
    int date = 0;  ///< 20260826
    /// Before 2025-03-31 the release of a hold counted as a refund on the charge.
    [[nodiscard]] bool release_is_refund() const { return date < 20250331; }
    /// From 2026-09-30 "payment_method_types" is no parameter any more.
    [[nodiscard]] bool allowed_types() const { return date >= 20260930; }
    /// From 2023-08-16 payment methods that redirect are on unless one says otherwise.
    [[nodiscard]] bool redirecting_methods() const { return date >= 20230816; }
    /// From 2024-04-10 the default capture method.
    [[nodiscard]] bool captures_async() const { return date >= 20240410; }
};
inline constexpr int oldest_version = 20221115;
/// A date of 2022-11-15 or later with an optional release name.
std::optional<Version> read_version(std::string_view text);

struct View {
    const Books& books;
    const Version& version;
    std::string_view page_origin;
    Expand expand = {};
    bool publishable = false;  ///< the browser sees less

    [[nodiscard]] View below(std::string_view name) const {
        return {books, version, page_origin, expand.below(name), publishable};
    }
};

void print(JsonWriter& out, const Token& token, const View& view);
void print(JsonWriter& out, const Method& method, const View& view);
void print(JsonWriter& out, const Intent& intent, const View& view);
void print(JsonWriter& out, const Charge& charge, const View& view);
void print(JsonWriter& out, const Refund& refund, const View& view);
void print(JsonWriter& out, const Dispute& dispute, const View& view);
void print(JsonWriter& out, const Event& event, const View& view);

template <class T>
std::string printed(const T& object, const View& view) {
    JsonWriter out;
    print(out, object, view);
    return out.take();
}

/// {"error": {...}}
std::string printed(const Refusal& refusal, std::string_view request_id);
/// The inner object, as last_payment_error has it.
std::string inner_error(const Refusal& refusal);

}  // namespace kassi::sandbox::stripe
