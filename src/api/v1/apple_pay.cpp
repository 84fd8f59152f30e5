#include "api/v1/apple_pay.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/v1/reading.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "providers/credentials/apple_pay_session.hpp"

namespace kassi::api::v1 {
namespace {

namespace apple_pay = providers::apple_pay;
using ShopPointer = std::shared_ptr<const apple_pay::Shop>;

constexpr std::size_t domain_bytes_max = 253;

ShopPointer shop_of(const engine::Engine& engine, std::string_view merchant) {
    const auto* known = engine.registry().merchant(merchant);
    return known == nullptr || known->retired ? nullptr : known->apple_pay;
}

/// What the caller may pay this transaction's bundles with; `source` "" any of them.
std::vector<std::string> merchants_of(const engine::Engine& engine, const core::Transaction& transaction,
                                      std::string_view source) {
    std::vector<std::string> all;
    const auto* caller = engine.directory().caller(transaction.caller);
    if (caller == nullptr) return all;
    for (const auto& bundle : transaction.bundles) {
        if (!source.empty() && bundle.source != source) continue;
        for (auto& merchant : engine.directory().ways(*caller, bundle.source))
            all.push_back(std::move(merchant));
    }
    return all;
}

Result<ShopPointer> shop_for(const engine::Engine& engine, const core::Transaction& transaction,
                             const SessionRequest& request) {
    const auto merchants = merchants_of(engine, transaction, request.source);
    if (!request.merchant.empty()) {
        if (std::find(merchants.begin(), merchants.end(), request.merchant) == merchants.end())
            return bad_request("merchant", "is none that this transaction may be paid with");
        if (auto shop = shop_of(engine, request.merchant)) return shop;
        return bad_request("merchant", "takes no Apple Pay");
    }
    if (!request.source.empty() && merchants.empty())
        return bad_request("source", "is not in this transaction");
    for (const auto& merchant : merchants)
        if (auto shop = shop_of(engine, merchant)) return shop;
    if (!request.source.empty()) return bad_request("source", "cannot be paid with Apple Pay");
    return bad_request("id", "cannot be paid with Apple Pay");
}

}  // namespace

Result<SessionRequest> read_session_request(std::string_view body) {
    const auto json = parse_json(body.empty() ? std::string_view("{}") : body);
    if (!json) return json.error();
    ObjectReader::Trouble trouble;
    SessionRequest request;
    ObjectReader object(*json, "", trouble);
    request.validation_url =
        object.text("validation_url", Need::optional, apple_pay::validation_url_bytes_max);
    request.merchant = object.text("merchant", Need::optional, limits::text_bytes_max);
    request.source = object.text("source", Need::optional, limits::text_bytes_max);
    request.domain = object.text("domain", Need::optional, domain_bytes_max);
    object.finish();
    if (!request.merchant.empty() && !request.source.empty())
        object.refuse("source", "and merchant do not go together");
    if (trouble) return *trouble;
    return request;
}

Result<SessionChoice> choose_session(const engine::Engine& engine, const core::Transaction& transaction,
                                     const SessionRequest& request) {
    const auto shop = shop_for(engine, transaction, request);
    if (!shop) return shop.error();
    if (!request.validation_url.empty())
        if (auto refused = apple_pay::refusal_of_validation_url(request.validation_url, **shop))
            return std::move(*refused);
    const auto* domain = apple_pay::find_domain(**shop, request.domain);
    if (domain == nullptr) return bad_request("domain", "is none that this shop has registered with Apple");
    if (core::has_verdict(transaction.phase))
        return Error{ErrorKind::conflict, "id", "there is nothing left to pay"};
    return SessionChoice{*shop, *domain};
}

}  // namespace kassi::api::v1
