#include "api/v1/reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/money.hpp"
#include "base/text.hpp"

namespace kassi::api::v1 {
namespace {

using nlohmann::json;

/// Lines of a log and of a terminal stay lines.
bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Why a text is refused, or "".
std::string fault(std::string_view text, std::size_t bytes_min, std::size_t bytes_max) {
    if (text.size() < bytes_min) return "must not be empty";
    if (text.size() > bytes_max) return fmt::format("must have at most {} bytes", bytes_max);
    if (has_control(text)) return "must not hold control characters";
    return "";
}

/// A name from outside, as an error and so the log may repeat it: it may be a card number in the wrong place.
std::string shown(std::string_view name) {
    return std::string(name_for_error(name, "(a name that is not repeated)"));
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Walks over JSON that is known to be sound.
class Walker {
  public:
    explicit Walker(std::string_view text) : text_(text) {}

    void blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    [[nodiscard]] char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void step() { ++at_; }

    std::string_view string() {
        const auto from = at_++;
        while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
        ++at_;
        return text_.substr(from, at_ - from);
    }
    std::string_view value() {
        const auto from = at_;
        int depth = 0;
        do {
            const char c = here();
            if (c == '"') {
                string();
                continue;
            }
            if (c == '{' || c == '[') ++depth;
            if (c == '}' || c == ']') --depth;
            ++at_;
        } while (at_ < text_.size() && (depth > 0 || !ends()));
        return text_.substr(from, at_ - from);
    }

  private:
    [[nodiscard]] bool ends() const {
        const char c = here();
        return c == ',' || c == '}' || c == ']' || is_blank(c);
    }
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

// ---- bodies -------------------------------------------------------------------------------------------

ObjectReader::ObjectReader(const json& value, std::string path, Trouble& trouble)
    : value_(value), path_(std::move(path)), trouble_(trouble) {
    if (!value_.is_object()) refuse(path_.empty() ? "body" : path_, "must be a JSON object");
}

std::string ObjectReader::at(std::string_view name) const {
    return path_.empty() ? shown(name) : path_ + "." + shown(name);
}

void ObjectReader::refuse(std::string field, std::string message, ErrorKind kind) {
    if (!trouble_) trouble_ = Error{kind, std::move(field), std::move(message)};
}

bool ObjectReader::has(std::string_view name) {
    known_.push_back(name);
    return value_.is_object() && value_.contains(name);
}

const json* ObjectReader::member(std::string_view name, Need need) {
    if (has(name)) return &*value_.find(name);
    if (need == Need::required) refuse(at(name), "is missing");
    return nullptr;
}

const json* ObjectReader::object(std::string_view name, Need need) {
    const auto* found = member(name, need);
    if (found == nullptr || found->is_object()) return found;
    refuse(at(name), "must be a JSON object");
    return nullptr;
}

std::string ObjectReader::text(std::string_view name, Need need, std::size_t bytes_max,
                               std::size_t bytes_min) {
    const auto* found = member(name, need);
    if (found == nullptr) return "";
    if (!found->is_string()) {
        refuse(at(name), "must be text");
        return "";
    }
    const auto& text = found->get_ref<const std::string&>();
    auto why = fault(text, bytes_min, bytes_max);
    if (!why.empty()) refuse(at(name), std::move(why));
    return text;
}

std::int64_t ObjectReader::integer(std::string_view name, Need need, std::int64_t least, std::int64_t most) {
    const auto* found = member(name, need);
    if (found == nullptr) return 0;
    if (!found->is_number_integer()) {
        refuse(at(name), "must be an integer: no text, no fraction, no exponent");
        return 0;
    }
    const auto value = found->get<std::int64_t>();
    if (value < least) refuse(at(name), fmt::format("must be at least {}", least));
    if (value > most) refuse(at(name), fmt::format("must be at most {}", most));
    return value;
}

std::int64_t ObjectReader::amount(std::string_view name, std::int64_t least) {
    return integer(name, Need::required, least, payment_minor_max);
}

std::optional<bool> ObjectReader::boolean(std::string_view name, Need need) {
    const auto* found = member(name, need);
    if (found == nullptr) return std::nullopt;
    if (found->is_boolean()) return found->get<bool>();
    refuse(at(name), "must be true or false");
    return std::nullopt;
}

Instant ObjectReader::instant(std::string_view name) {
    constexpr std::size_t instant_bytes_max = 64;
    const auto value = text(name, Need::required, instant_bytes_max);
    if (!sound()) return {};
    auto parsed = parse_iso8601(value, at(name));
    if (parsed) return *parsed;
    refuse(parsed.error().field, parsed.error().message);
    return {};
}

void ObjectReader::each_object(std::string_view name, Need need, std::size_t most,
                               const std::function<void(ObjectReader&)>& read) {
    const auto* found = member(name, need);
    if (found == nullptr) return;
    if (!found->is_array()) return refuse(at(name), "must be a list");
    if (found->size() > most) return refuse(at(name), fmt::format("must hold at most {} objects", most));
    for (std::size_t i = 0; i < found->size() && sound(); ++i) {
        ObjectReader element((*found)[i], fmt::format("{}[{}]", at(name), i), trouble_);
        if (!sound()) return;
        read(element);
        element.finish();
    }
}

void ObjectReader::finish() {
    if (!value_.is_object()) return;
    for (const auto& [name, value] : value_.items())
        if (std::find(known_.begin(), known_.end(), name) == known_.end())
            return refuse(at(name), "is not a member that is known here");
}

std::string_view raw_member(std::string_view text, std::string_view name) {
    Walker walker(text);
    walker.blanks();
    if (walker.here() != '{') return {};
    walker.step();
    for (walker.blanks(); walker.here() == '"'; walker.blanks()) {
        const auto quoted = walker.string();
        walker.blanks();
        walker.step();  // the colon
        walker.blanks();
        const auto value = walker.value();
        // A name may be written with escapes; parsed it is what the reader saw.
        const auto plain = quoted.substr(1, quoted.size() - 2);
        const bool found = plain.find('\\') == std::string_view::npos
                               ? plain == name
                               : json::parse(quoted).get_ref<const std::string&>() == name;
        if (found) return value;
        walker.blanks();
        if (walker.here() == ',') walker.step();
    }
    return {};
}

// ---- query strings ------------------------------------------------------------------------------------

Result<QueryReader> QueryReader::read(std::string_view query) {
    QueryReader reader;
    auto fields = encoding::parse_form(query, "query");
    if (!fields) return fields.error();
    reader.fields_ = std::move(*fields);
    std::set<std::string_view> seen;
    for (const auto& [name, value] : reader.fields_)
        if (!seen.insert(name).second) return bad_request(shown(name), "is given twice");
    return reader;
}

const std::string* QueryReader::value(std::string_view name) {
    known_.emplace(name);
    return find_field(fields_, name);
}

void QueryReader::refuse(std::string_view name, std::string message) {
    if (!trouble_) trouble_ = bad_request(std::string(name), std::move(message));
}

std::string QueryReader::text(std::string_view name, Need need, std::size_t bytes_max) {
    const auto* found = value(name);
    if (found == nullptr) {
        if (need == Need::required) refuse(name, "is missing");
        return "";
    }
    auto why = fault(*found, 1, bytes_max);
    if (!why.empty()) refuse(name, std::move(why));
    return *found;
}

std::optional<bool> QueryReader::boolean(std::string_view name) {
    const auto* found = value(name);
    if (found == nullptr) return std::nullopt;
    if (*found == "true") return true;
    if (*found == "false") return false;
    refuse(name, "must be true or false");
    return std::nullopt;
}

std::optional<Instant> QueryReader::instant(std::string_view name) {
    constexpr std::size_t date_bytes = 10;
    const auto* found = value(name);
    if (found == nullptr) return std::nullopt;
    auto parsed = parse_iso8601(found->size() == date_bytes ? *found + "T00:00:00Z" : *found, name);
    if (parsed) return *parsed;
    if (!trouble_) trouble_ = parsed.error();
    return std::nullopt;
}

std::int64_t QueryReader::integer(std::string_view name, std::int64_t least, std::int64_t most,
                                  std::int64_t absent) {
    const auto* found = value(name);
    if (found == nullptr) return absent;
    std::int64_t number = 0;
    const auto* const end = found->data() + found->size();
    const auto [stop, fault_code] = std::from_chars(found->data(), end, number);
    if (fault_code == std::errc() && stop == end && number >= least && number <= most) return number;
    refuse(name, fmt::format("must be an integer from {} to {}", least, most));
    return absent;
}

std::optional<Error> QueryReader::finish() {
    if (trouble_) return trouble_;
    for (const auto& [name, value] : fields_)
        if (!known_.contains(name)) return bad_request(shown(name), "is not a parameter that is known here");
    return std::nullopt;
}

}  // namespace kassi::api::v1
