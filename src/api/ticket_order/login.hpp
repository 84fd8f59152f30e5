#pragma once

#include <vector>

#include "api/ticket_order/operations.hpp"

/// Logging in and out, and who am I: the operations that clients know as Authenticate.
namespace kassi::api::ticket_order {

/// POST /auth/credentials, POST /api/Authenticate with provider "credentials": a session for user name and
/// password. POST /auth/logout (or GET): it ends. GET /auth: who am I, 401 for nobody. GetAccessToken is
/// refused, since no tokens are issued that run out. `visitors` must outlive them.
std::vector<Operation> login_operations(Visitors& visitors);

}  // namespace kassi::api::ticket_order
