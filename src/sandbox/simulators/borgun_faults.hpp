#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_message.hpp"
#include "sandbox/simulators/borgun_house.hpp"

/// What goes wrong on demand.
namespace kassi::sandbox::borgun {

enum class Fault {
    slow_before,     ///< waits `ms`, then works and answers
    delay,           ///< works, and answers after `ms`
    dead,            ///< neither work nor answer
    drop_answer,     ///< works, and does not answer
    error_before,    ///< 500, nothing was done
    error_after,     ///< 500, and it was done
    timed_out,       ///< 408, nothing was done
    conflict,        ///< 409, nothing was done
    too_many,        ///< 429, nothing was done
    busy,            ///< 503, nothing was done
    wrong_amount,    ///< the answer or notice lies about the amount
    wrong_currency,  ///< about the currency
    wrong_order,     ///< about the order id
    twice,           ///< notices: sent twice
    reorder,         ///< notices: waits until the next one was sent
    lose,            ///< notices: never sent
};

/// Steps of the gateway, the pages and the notices.
bool is_step(std::string_view on);
/// Error: bad_request naming "rules".
Result<Fault> fault_of(const BorgunHouse::FaultRule& rule);
/// {"rules":[{"on":...,"do":...,"ms":...,"times":...,"merchant":...}]}
Result<std::vector<BorgunHouse::FaultRule>> read_rules(std::string_view body);
std::string shown(const std::vector<BorgunHouse::FaultRule>& rules);

/// Amount, currency or order id of a JSON answer (in Data too) or of a form become something else.
std::string falsified(const std::string& body, Fault fault);

/// What is answered when nothing was done; nullopt for the other faults.
std::optional<HttpResponse> refusal_of(Fault fault);

}  // namespace kassi::sandbox::borgun
