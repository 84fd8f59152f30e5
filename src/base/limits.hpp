#pragma once

#include <chrono>
#include <cstddef>

/// Every limit at the edges, by name and unit. Each has a test at the limit and one past it.
namespace kassi::limits {

inline constexpr std::size_t request_body_bytes_max = 1024 * 1024;
inline constexpr std::size_t request_header_bytes_max = 16 * 1024;
inline constexpr std::size_t request_target_bytes_max = 8 * 1024;
inline constexpr std::size_t response_body_bytes_max = 1024 * 1024;  ///< of a provider's answer
inline constexpr std::size_t form_fields_max = 200;
inline constexpr int json_depth_max = 32;
inline constexpr std::size_t document_bytes_max = 64 * 1024;  ///< the hand-over's opaque document
inline constexpr std::size_t customer_bytes_max = 16 * 1024;
inline constexpr std::size_t text_bytes_max = 256;  ///< a description, a name, a reference
inline constexpr std::size_t return_url_bytes_max = 2000;
inline constexpr std::size_t return_token_bytes_max = 128;
inline constexpr std::size_t idempotency_key_bytes_max = 255;
inline constexpr std::size_t tracking_id_bytes_max = 128;
inline constexpr std::size_t bundles_max = 20;
inline constexpr std::size_t orders_per_bundle_max = 50;
inline constexpr std::size_t legs_max = 60;  ///< all tries of a transaction
inline constexpr std::size_t write_queue_units_max = 4096;
inline constexpr std::chrono::days hold_max{30};

}  // namespace kassi::limits
