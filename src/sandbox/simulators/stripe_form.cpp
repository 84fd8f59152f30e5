#include "sandbox/simulators/stripe_form.hpp"

#include <algorithm>
#include <charconv>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace kassi::sandbox::stripe {
namespace {

/// Well-formed UTF-8 was checked when the form was read.
std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

/// "a[b][]" -> "a[b][2]" when two came before; nullopt for brackets that do not fit.
std::optional<std::string> canonical(std::string_view name,
                                     std::map<std::string, int, std::less<>>& counted) {
    const std::size_t open = name.find('[');
    if (open == 0 || name.empty()) return std::nullopt;
    std::string out(name.substr(0, open));
    for (std::string_view rest = open == name.npos ? "" : name.substr(open); !rest.empty();) {
        const std::size_t close = rest.find(']');
        if (rest.front() != '[' || close == rest.npos) return std::nullopt;
        const auto inner = rest.substr(1, close - 1);
        if (inner.find('[') != inner.npos) return std::nullopt;
        const std::string index = inner.empty() ? std::to_string(counted[out]++) : std::string(inner);
        out += "[" + index + "]";
        rest.remove_prefix(close + 1);
    }
    return out;
}

std::string shown(std::string_view name) {
    return std::string(name_for_error(name, "(a parameter)"));
}

}  // namespace

Refusal wrong_parameter(std::string code, std::string param, std::string message) {
    Refusal refusal;
    refusal.code = std::move(code);
    refusal.param = std::move(param);
    refusal.message = std::move(message);
    refusal.kept = false;
    return refusal;
}

Refusal refused(std::string code, std::string param, std::string message) {
    Refusal refusal = wrong_parameter(std::move(code), std::move(param), std::move(message));
    refusal.kept = true;
    return refusal;
}

Refusal missing(std::string_view what, std::string_view id, std::string param) {
    Refusal refusal =
        refused("resource_missing", std::move(param),
                "No such " + std::string(what) + ": '" + std::string(name_for_error(id, "...")) + "'");
    refusal.status = 404;
    return refusal;
}

bool Expand::has(std::string_view name) const {
    return std::any_of(paths_.begin(), paths_.end(), [&](const std::string& path) {
        return path.starts_with(name) && (path.size() == name.size() || path[name.size()] == '.');
    });
}

Expand Expand::below(std::string_view name) const {
    std::vector<std::string> found;
    for (const auto& path : paths_)
        if (path.starts_with(name) && path.size() > name.size() && path[name.size()] == '.')
            found.push_back(path.substr(name.size() + 1));
    return Expand(std::move(found));
}

Form::Form(const Fields& fields) {
    std::map<std::string, int, std::less<>> counted;
    for (const auto& [name, value] : fields) {
        auto path = canonical(name, counted);
        if (!path) {
            refuse(wrong_parameter("parameter_unknown", shown(name),
                                   "Received a parameter whose name is not understood: " + shown(name)));
            continue;
        }
        auto& held = values_[*path];
        held.text = value;
        order_.push_back(std::move(*path));
    }
}

std::string* Form::find(std::string_view name) {
    const auto found = values_.find(name);
    if (found == values_.end()) return nullptr;
    found->second.read = true;
    return &found->second.text;
}

bool Form::has(std::string_view name) const {
    return values_.find(name) != values_.end();
}

bool Form::has_part(std::string_view name) const {
    const std::string prefix = std::string(name) + "[";
    const auto found = values_.lower_bound(prefix);
    return found != values_.end() && found->first.starts_with(prefix);
}

std::optional<std::string> Form::text(std::string_view name) {
    const std::string* value = find(name);
    if (value == nullptr || value->empty()) return std::nullopt;
    if (characters(*value) > text_characters_max) {
        refuse(wrong_parameter(
            "parameter_invalid_string", std::string(name),
            "Invalid string: it has more than " + std::to_string(text_characters_max) + " characters"));
        return std::nullopt;
    }
    return *value;
}

std::string Form::text_or(std::string_view name, std::string_view otherwise) {
    return text(name).value_or(std::string(otherwise));
}

std::string Form::needed(std::string_view name) {
    const bool given = has(name);
    auto value = text(name);
    if (!value && given && !wrong_)
        refuse(wrong_parameter("parameter_invalid_empty", std::string(name),
                               "You passed an empty string for '" + std::string(name) + "'."));
    if (!value && !given)
        refuse(wrong_parameter("parameter_missing", std::string(name),
                               "Missing required param: " + std::string(name) + "."));
    return value.value_or("");
}

std::optional<std::int64_t> Form::integer(std::string_view name) {
    const auto value = text(name);
    if (!value) return std::nullopt;
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(value->data(), value->data() + value->size(), number);
    if (failed == std::errc{} && end == value->data() + value->size()) return number;
    refuse(wrong_parameter("parameter_invalid_integer", std::string(name),
                           "Invalid integer: " + std::string(name_for_error(*value, "..."))));
    return std::nullopt;
}

bool Form::flag(std::string_view name, bool otherwise) {
    const auto value = text(name);
    if (!value) return otherwise;
    if (*value != "true" && *value != "false")
        refuse(wrong_parameter("", std::string(name),
                               "Invalid boolean: " + std::string(name_for_error(*value, "..."))));
    return *value == "true";
}

std::string Form::one_of(std::string_view name, std::string_view otherwise,
                         std::initializer_list<std::string_view> words) {
    const auto value = text(name);
    if (!value) return std::string(otherwise);
    if (std::find(words.begin(), words.end(), *value) == words.end()) {
        std::string all;
        for (const auto each : words) all += (all.empty() ? "" : ", ") + std::string(each);
        refuse(wrong_parameter("", std::string(name),
                               "Invalid " + std::string(name) + ": must be one of " + all));
    }
    return *value;
}

std::vector<std::string> Form::list(std::string_view name) {
    std::vector<std::string> found;
    const std::string prefix = std::string(name) + "[";
    for (const auto& path : order_)
        if (path.starts_with(prefix) && path.find(']') == path.size() - 1)
            if (auto value = text(path)) found.push_back(std::move(*value));
    return found;
}

std::optional<Form::MetadataChange> Form::metadata() {
    MetadataChange change;
    bool some = false;
    if (const std::string* all = find("metadata")) {
        if (!all->empty()) refuse(wrong_parameter("", "metadata", "Invalid hash"));
        change.clear = some = true;
    }
    constexpr std::string_view prefix = "metadata[";
    for (auto at = values_.lower_bound(prefix); at != values_.end() && at->first.starts_with(prefix); ++at) {
        const std::string& path = at->first;
        if (path.find(']') != path.size() - 1) continue;  // a nested one is read by nobody
        at->second.read = some = true;
        change.values[path.substr(prefix.size(), path.size() - prefix.size() - 1)] = at->second.text;
    }
    return some ? std::optional(std::move(change)) : std::nullopt;
}

Expand Form::expand(std::initializer_list<std::string_view> allowed) {
    auto paths = list("expand");
    if (paths.size() > expand_paths_max) refuse(wrong_parameter("", "expand", "Too many paths to expand"));
    for (const auto& path : paths) {
        const auto levels = static_cast<std::size_t>(std::count(path.begin(), path.end(), '.')) + 1;
        const bool known = std::any_of(allowed.begin(), allowed.end(), [&](std::string_view each) {
            return each == path || (each.starts_with(path) && each[path.size()] == '.');
        });
        if (known && levels <= expand_levels_max) continue;
        refuse(wrong_parameter(
            "", "expand",
            "This property cannot be expanded (" + std::string(name_for_error(path, "...")) + ")."));
    }
    return Expand(std::move(paths));
}

void Form::ignore(std::initializer_list<std::string_view> names) {
    for (const auto name : names) {
        find(name);
        const std::string prefix = std::string(name) + "[";
        for (auto at = values_.lower_bound(prefix); at != values_.end() && at->first.starts_with(prefix);
             ++at)
            at->second.read = true;
    }
}

void Form::refuse(Refusal refusal) {
    if (!wrong_) wrong_ = std::move(refusal);
}

const std::optional<Refusal>& Form::finish() {
    for (const auto& path : order_) {
        if (wrong_) break;
        if (values_.find(path)->second.read) continue;
        refuse(
            wrong_parameter("parameter_unknown", shown(path), "Received unknown parameter: " + shown(path)));
    }
    return wrong_;
}

std::string Form::fingerprint() const {
    std::string all;
    for (const auto& [path, value] : values_)
        all += encoding::percent_encode(path) + "=" + encoding::percent_encode(value.text) + "&";
    return encoding::hex(crypto::to_bytes(crypto::sha256(all)));
}

std::optional<Refusal> merge(Metadata& metadata, const Form::MetadataChange& change) {
    if (change.clear) metadata.clear();
    for (const auto& [key, value] : change.values) {
        const std::string param = "metadata[" + shown(key) + "]";
        if (key.empty() || characters(key) > metadata_key_characters_max)
            return wrong_parameter("", "metadata", "Metadata keys have 1 to 40 characters");
        if (characters(value) > metadata_value_characters_max)
            return wrong_parameter("", param, "Metadata values have at most 500 characters");
        if (value.empty())
            metadata.erase(key);
        else
            metadata[key] = value;
    }
    if (metadata.size() > metadata_pairs_max)
        return wrong_parameter("", "metadata", "You can have at most 50 metadata keys");
    return std::nullopt;
}

}  // namespace kassi::sandbox::stripe
