#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/f13/print.hpp"

/// What trolley.v1 answers, and reserve.v1 where nothing could be reserved (pure).
namespace kassi::sandbox::box_office {

using api::f13::OrderText;

/// A trolley that is not reserved.
struct TrolleyBundle {
    std::string source;
    Currency currency;
    std::vector<OrderText> orders;
    std::int64_t send_cost = 0;
};
struct TrolleyPage {
    const api::f13::House& house;
    const engine::Caller& caller;
    std::string token;  ///< "" none
    std::vector<TrolleyBundle> bundles;
    std::vector<OrderText> discarded, unreserved;
    bool contained_unavailable = false;
};
std::string print_trolley(const TrolleyPage& page);

}  // namespace kassi::sandbox::box_office
