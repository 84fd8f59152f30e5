#pragma once

#include <vector>

#include "api/ticket_order/operations.hpp"

namespace kassi::api::ticket_order {

/// /metadata and /json/metadata?op=NAME, pages for people: which operations there are, their paths, members
/// and a sample. Of `operations` those with a path of their own are listed.
std::vector<Operation> metadata_operations(const std::vector<Operation>& operations);

}  // namespace kassi::api::ticket_order
