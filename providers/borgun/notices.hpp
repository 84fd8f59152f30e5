#pragma once

#include "providers/borgun/account.hpp"

/// Events (reference/borgun.md section 12). They have no signature: what one says is a hint, and the gateway
/// is asked before anything is believed.
namespace kassi::providers::borgun {

/// An event about no payment has reference "". Errors: bad_request naming the member.
Result<NoticeRead> read_notice(const HttpRequest& request);

}  // namespace kassi::providers::borgun
