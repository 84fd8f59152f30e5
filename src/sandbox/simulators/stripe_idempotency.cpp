#include "sandbox/simulators/stripe_idempotency.hpp"

#include <nlohmann/json.hpp>

#include "base/encoding.hpp"

namespace kassi::sandbox::stripe {
namespace {

using nlohmann::json;

/// A key may hold any bytes.
void write(JsonWriter& out, const std::pair<std::string, std::string>& name, const Keys::Kept& kept) {
    out.begin_object()
        .field("account", name.first)
        .field("key", encoding::hex(name.second))
        .field("path", kept.path)
        .field("fingerprint", kept.fingerprint)
        .field("request", kept.request)
        .field("status", kept.status)
        .field("body", kept.body)
        .field("at", kept.at.time_since_epoch().count())
        .end_object();
}

std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::int64_t integer_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

}  // namespace

Keys::Found Keys::look(const std::string& account, const std::string& key, std::string_view path,
                       std::string_view fingerprint, Instant now) {
    forget_old(now);
    const auto found = kept_.find({account, key});
    if (found == kept_.end()) return {kept_.size() >= most_ ? Verdict::full : Verdict::fresh, nullptr};
    const Kept& kept = found->second;
    if (kept.path != path) return {Verdict::other_path, &kept};
    if (kept.fingerprint != fingerprint) return {Verdict::other_parameters, &kept};
    return {kept.status == 0 ? Verdict::at_work : Verdict::replay, &kept};
}

void Keys::begin(const std::string& account, const std::string& key, Kept kept) {
    put({account, key}, std::move(kept));
}

void Keys::end(const std::string& account, const std::string& key, int status, std::string body, bool keep) {
    const auto found = kept_.find({account, key});
    if (found == kept_.end()) return;
    if (!keep) {
        kept_.erase(found);
        return;
    }
    found->second.status = status;
    found->second.body = std::move(body);
    fresh_.push_back(found->first);
}

void Keys::put(const Name& name, Kept kept) {
    ages_.emplace_back(kept.at, name);
    kept_[name] = std::move(kept);
}

void Keys::forget_old(Instant now) {
    for (; !ages_.empty() && ages_.front().first + key_life <= now; ages_.pop_front()) {
        const auto found = kept_.find(ages_.front().second);
        // It may have been used anew since.
        if (found != kept_.end() && found->second.at == ages_.front().first) kept_.erase(found);
    }
}

void Keys::record(JsonWriter& out) {
    if (fresh_.empty()) return;
    out.key("keys").begin_array();
    for (const auto& name : fresh_)
        if (const auto found = kept_.find(name); found != kept_.end()) write(out, name, found->second);
    out.end_array();
    fresh_.clear();
}

void Keys::save_all(const std::function<void(const std::string&)>& save, Instant now) const {
    for (const auto& [at, name] : ages_) {
        const auto found = kept_.find(name);
        if (found == kept_.end() || found->second.at != at || found->second.status == 0 ||
            at + key_life <= now)
            continue;
        JsonWriter out;
        out.begin_object().key("keys").begin_array();
        write(out, name, found->second);
        out.end_array().end_object();
        save(out.take());
    }
}

bool Keys::load(const json& line, const std::set<std::string>& accounts, Instant now) {
    const auto list = line.find("keys");
    if (list == line.end()) return true;
    if (!list->is_array()) return false;
    for (const json& each : *list) {
        if (!each.is_object()) return false;
        const auto key = encoding::from_hex(text_of(each, "key"), "key");
        Kept kept{text_of(each, "path"),    text_of(each, "fingerprint"),
                  text_of(each, "request"), static_cast<int>(integer_of(each, "status")),
                  text_of(each, "body"),    Instant{Millis{integer_of(each, "at")}}};
        if (!key || kept.path.empty() || kept.status < 200 || kept.status > 599) return false;
        const std::string account = text_of(each, "account");
        if (accounts.contains(account) && kept.at + key_life > now) put({account, *key}, std::move(kept));
    }
    return true;
}

}  // namespace kassi::sandbox::stripe
