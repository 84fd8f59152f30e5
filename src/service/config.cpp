#include <fcntl.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <set>

#include "base/crypto.hpp"
#include "base/limits.hpp"
#include "http/address_policy.hpp"
#include "http/tls_check.hpp"
#include "providers/credentials/apple_pay_session.hpp"
#include "service/apple_shop.hpp"
#include "service/secret_files.hpp"
#include "service/service.hpp"

namespace kassi::service {
namespace {

constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t environment_name_bytes_max = 128;
constexpr std::size_t entries_max = 10'000;  ///< of one kind: callers, merchants, ...
constexpr std::int64_t seconds_max = 30 * 24 * 3600;
constexpr std::int64_t retention_days_max = 3'650;
constexpr std::int64_t answer_within_seconds_max = 60;

/// Everything that is wrong, with its line.
class Problems {
  public:
    explicit Problems(std::string file) : file_(std::move(file)) {}
    void add(const toml::source_region& where, std::string why) {
        add_line(where.begin.line, std::move(why));
    }
    void add_line(std::size_t line, std::string why) {
        found_.emplace_back(line, bad_request(file_ + ":" + std::to_string(line), std::move(why)));
    }
    [[nodiscard]] bool none() const { return found_.empty(); }
    [[nodiscard]] std::size_t count() const { return found_.size(); }
    [[nodiscard]] std::vector<Error> take() {
        std::stable_sort(found_.begin(), found_.end(),
                         [](const auto& left, const auto& right) { return left.first < right.first; });
        std::vector<Error> errors;
        for (auto& [line, error] : found_) errors.push_back(std::move(error));
        return errors;
    }

  private:
    std::string file_;
    std::vector<std::pair<std::size_t, Error>> found_;
};

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    // What a person typed goes back to a terminal: no control characters, and not without end.
    for (const char c : text.substr(0, name_bytes_max)) out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    if (text.size() > name_bytes_max) out += "...";
    return out + "\"";
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= name_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
           });
}
constexpr const char* name_rule = "must be 1 to 64 letters, digits, '-', '_' or '.'";

std::string_view type_word(toml::node_type type) {
    switch (type) {
        case toml::node_type::none:
            return "nothing";
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "a list";
        case toml::node_type::string:
            return "a text";
        case toml::node_type::integer:
            return "a whole number";
        case toml::node_type::floating_point:
            return "a number with a point";
        case toml::node_type::boolean:
            return "true or false";
        case toml::node_type::date:
        case toml::node_type::time:
        case toml::node_type::date_time:
            return "a date";
    }
    return "something else";
}

/// One table of the file. Whatever was not asked for by the time of close() is an unknown key.
class Table {
  public:
    Table(const toml::table& table, std::string name, Problems& problems)
        : table_(table), name_(std::move(name)), problems_(problems) {}

    [[nodiscard]] const toml::node* node(std::string_view key) {
        asked_.insert(std::string(key));
        return table_.get(key);
    }
    [[nodiscard]] bool has(std::string_view key) { return node(key) != nullptr; }
    [[nodiscard]] toml::source_region where() const { return table_.source(); }
    [[nodiscard]] toml::source_region where(std::string_view key) {
        const auto* found = node(key);
        return found != nullptr ? found->source() : where();
    }

    void need(std::string_view key) {
        if (!has(key)) problems_.add(where(), label(key) + " is missing");
    }
    /// Absent: nullopt. Another type: a problem and nullopt.
    template <class T>
    [[nodiscard]] std::optional<T> value(std::string_view key) {
        const auto* found = node(key);
        if (found == nullptr) return std::nullopt;
        auto read = found->value_exact<T>();
        if (!read) wrong_type(*found, label(key), type_word(toml::impl::node_type_of<T>));
        return read;
    }
    [[nodiscard]] std::string text(std::string_view key, std::string otherwise = "") {
        return value<std::string>(key).value_or(std::move(otherwise));
    }
    [[nodiscard]] bool flag(std::string_view key, bool otherwise) {
        return value<bool>(key).value_or(otherwise);
    }
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view key, std::int64_t least,
                                                     std::int64_t most) {
        auto read = value<std::int64_t>(key);
        if (read && (*read < least || *read > most)) {
            problems_.add(where(key), label(key) + " must be from " + std::to_string(least) + " to " +
                                          std::to_string(most));
            return std::nullopt;
        }
        return read;
    }
    [[nodiscard]] std::vector<std::pair<std::string, toml::source_region>> texts(std::string_view key) {
        std::vector<std::pair<std::string, toml::source_region>> out;
        const auto* found = node(key);
        if (found == nullptr) return out;
        const auto* list = found->as_array();
        if (list == nullptr) {
            wrong_type(*found, label(key), "a list of texts");
            return out;
        }
        for (const auto& entry : *list) {
            if (auto read = entry.value_exact<std::string>()) {
                out.emplace_back(std::move(*read), entry.source());
            } else {
                wrong_type(entry, "an entry of " + label(key), "a text");
            }
        }
        return out;
    }
    [[nodiscard]] const toml::table* table(std::string_view key) {
        const auto* found = node(key);
        if (found == nullptr) return nullptr;
        if (found->as_table() == nullptr) wrong_type(*found, label(key), "a table");
        return found->as_table();
    }
    void wrong_type(const toml::node& found, const std::string& what, std::string_view wanted) {
        problems_.add(found.source(), what + " must be " + std::string(wanted) + ", not " +
                                          std::string(type_word(found.type())));
    }
    [[nodiscard]] std::string label(std::string_view key) const {
        return name_.empty() ? std::string(key) : name_ + "." + std::string(key);
    }
    void close() {
        for (const auto& [key, found] : table_) {
            if (asked_.count(std::string(key.str())) == 0)
                problems_.add(key.source(), "unknown key " + in_quotes(label(key.str())));
        }
    }

  private:
    const toml::table& table_;
    std::string name_;
    Problems& problems_;
    std::set<std::string> asked_;
};

bool is_loopback_host(std::string_view host) {
    if (host == "localhost" || host.ends_with(".localhost")) return true;
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(std::string(host), ec);
    return !ec && http::is_loopback_address(address);
}
bool is_private_host(std::string_view host) {
    if (is_loopback_host(host)) return true;
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(std::string(host), ec);
    return !ec && !http::is_public_address(address);
}

class ConfigReader {
  public:
    explicit ConfigReader(const std::string& file) : file_(file), problems_(file) {}

    ConfigReading read() {
        toml::table root;
        try {
            root = toml::parse_file(file_);
        } catch (const toml::parse_error& error) {
            // Line 0: the file could not be read at all.
            problems_.add_line(error.source().begin.line, std::string(error.description()));
            return {std::nullopt, problems_.take()};
        }
        folder_ = std::filesystem::path(file_).parent_path();
        top(root);
        if (!problems_.none()) return {std::nullopt, problems_.take()};
        return {std::move(config_), {}};
    }

  private:
    void top(const toml::table& root) {
        Table table(root, "", problems_);
        table.need("mode");
        const auto mode = table.value<std::string>("mode");
        if (mode && *mode != "live" && *mode != "sandbox")
            problems_.add(table.where("mode"), "mode must be \"live\" or \"sandbox\"");
        live_ = mode == "live";
        sandbox_ = mode == "sandbox";
        config_.settings.mode = live_ ? engine::Mode::live : engine::Mode::sandbox;
        config_.settings.visit_loopback_only = sandbox_;
        config_.loopback_only = sandbox_;

        table.need("public_url");
        if (const auto url = table.value<std::string>("public_url")) {
            config_.settings.public_url = *url;
            check_url(*url, "public_url", table.where("public_url"), Url::ours);
        }
        table.need("data");
        config_.data_directory = path(table.text("data"));
        if (table.value<std::string>("data") == "")
            problems_.add(table.where("data"), "data must name a folder");
        master_key(table);
        config_.log_file = path(table.text("log_file"));
        config_.debug_log = table.flag("debug_log", false);
        if (const auto file = table.value<std::string>("trusted_certificates")) {
            const auto where = table.where("trusted_certificates");
            if (auto pem = public_file(*file, "trusted_certificates", where)) {
                if (const auto why = http::refusal_of_trusted(*pem))
                    problems_.add(where, "trusted_certificates: the file " + *why);
                config_.trusted_certificates_pem = std::move(*pem);
            }
        }
        table.need("listen");
        if (const auto* found = table.table("listen")) config_.doors = listen(*found, "listen", true);
        if (const auto* found = table.table("operators"))
            config_.operators = listen(*found, "operators", false);
        if (const auto days = table.number("retention_days", 1, retention_days_max))
            config_.settings.retention = std::chrono::days(*days);
        if (const auto* found = table.table("times")) times(*found);
        if (const auto* found = table.table("load")) load(*found);
        if (const auto* found = table.table("ticket_order")) ticket_order(*found);
        entries(table, "system", true, [this](const toml::table& entry) { system(entry); });
        entries(table, "source", false, [this](const toml::table& entry) { source(entry); });
        entries(table, "apple_pay", false, [this](const toml::table& entry) { apple_pay(entry); });
        entries(table, "merchant", true, [this](const toml::table& entry) { merchant(entry); });
        entries(table, "caller", true, [this](const toml::table& entry) { caller(entry); });
        table.close();
        if (problems_.none()) check_merchants();
    }

    template <class Read>
    void entries(Table& table, std::string_view key, bool needed, Read read) {
        const auto* found = table.node(key);
        const auto header = "[[" + std::string(key) + "]]";
        if (found == nullptr) {
            if (needed) problems_.add(table.where(), "at least one " + header + " is needed");
            return;
        }
        const auto* list = found->as_array();
        if (list == nullptr || !list->is_array_of_tables()) {
            problems_.add(found->source(), std::string(key) + " must be written as " + header);
            return;
        }
        if (list->size() > entries_max) {
            problems_.add(found->source(), "more than " + std::to_string(entries_max) + " of " + header);
            return;
        }
        for (const auto& entry : *list) read(*entry.as_table());
    }

    [[nodiscard]] std::string path(const std::string& given) const {
        if (given.empty() || given.front() == '/') return given;
        return (folder_ / given).lexically_normal().string();
    }

    std::optional<std::string> public_file(const std::string& given, const std::string& what,
                                           const toml::source_region& where) {
        const auto full = path(given);
        const int descriptor = ::open(full.c_str(), O_RDONLY | O_CLOEXEC);
        if (descriptor < 0) {
            problems_.add(where, what + ": the file cannot be read: " + std::strerror(errno));
            return std::nullopt;
        }
        std::string text;
        std::array<char, 4096> buffer{};
        ssize_t count = 0;
        while (text.size() <= limits::request_body_bytes_max &&
               (count = ::read(descriptor, buffer.data(), buffer.size())) > 0)
            text.append(buffer.data(), static_cast<std::size_t>(count));
        ::close(descriptor);
        if (count < 0 || text.size() > limits::request_body_bytes_max) {
            problems_.add(where, what + ": the file cannot be read, or is too large");
            return std::nullopt;
        }
        return text;
    }

    std::optional<Secret<>> environment(const std::string& name, const std::string& what,
                                        const toml::source_region& where) {
        if (name.empty() || name.size() > environment_name_bytes_max) {
            problems_.add(where, what + " must be the name of an environment variable");
            return std::nullopt;
        }
        const char* value = std::getenv(name.c_str());
        if (value == nullptr || *value == '\0') {
            // Not its name: who takes the line for the secret's own place has written the secret there.
            problems_.add(where, what + " names an environment variable that is not set");
            return std::nullopt;
        }
        return Secret<>(value);
    }

    void master_key(Table& table) {
        const auto file = table.value<std::string>("master_key_file");
        const auto variable = table.value<std::string>("master_key_env");
        if (table.has("master_key")) {
            problems_.add(
                table.where("master_key"),
                "master_key: a secret does not stand in this file, which is copied, shown and kept in "
                "version "
                "control; name a file (master_key_file) or an environment variable (master_key_env)");
            return;
        }
        if (table.has("master_key_file") == table.has("master_key_env")) {
            problems_.add(table.has("master_key_env") ? table.where("master_key_env") : table.where(),
                          "one of master_key_file and master_key_env is needed, and not both");
            return;
        }
        const auto where = table.where(file ? "master_key_file" : "master_key_env");
        std::optional<Secret<>> text;
        if (file) {
            text = secret_file(*file, "master_key_file", where);
        } else if (variable) {
            text = environment(*variable, "master_key_env", where);
        }
        if (!text) return;
        auto key = parse_master_key(*text);
        if (key) {
            config_.master_key = std::move(*key);
        } else {
            problems_.add(where, key.error().message);
        }
    }

    std::optional<Secret<>> secret_file(const std::string& given, const std::string& what,
                                        const toml::source_region& where) {
        auto text = read_secret(path(given));
        if (text) return std::move(*text);
        problems_.add(where, what + ": the file " + text.error().message);
        return std::nullopt;
    }

    Listen listen(const toml::table& found, const std::string& name, bool for_the_world) {
        Table table(found, name, problems_);
        Listen out;
        out.address = table.text("address", "127.0.0.1");
        boost::system::error_code ec;
        const auto address = boost::asio::ip::make_address(out.address, ec);
        if (ec) problems_.add(table.where("address"), name + ".address must be an IP address");
        table.need("port");
        out.port = static_cast<unsigned short>(table.number("port", 0, 65535).value_or(0));
        const auto certificate = table.text("tls_certificate");
        const auto key = table.text("tls_key");
        const bool tls_elsewhere = table.flag("tls_elsewhere", false);
        if (certificate.empty() != key.empty()) {
            problems_.add(table.where(key.empty() ? "tls_certificate" : "tls_key"),
                          name + ".tls_certificate and " + name + ".tls_key go together");
        } else if (!certificate.empty()) {
            out.tls = identity(table, certificate, key);
        } else if (for_the_world && live_ && !ec && !http::is_loopback_address(address) && !tls_elsewhere) {
            problems_.add(table.where("address"),
                          name +
                              ": passwords would cross the network in clear; give tls_certificate and "
                              "tls_key, listen on "
                              "loopback, or say tls_elsewhere = true when a proxy in front ends the TLS");
        }
        table.close();
        return out;
    }

    std::optional<http::TlsIdentity> identity(Table& table, const std::string& certificate,
                                              const std::string& key) {
        const auto refuse = [&](std::string_view key_name, const std::string& why) {
            problems_.add(table.where(key_name), table.label(key_name) + ": the file " + why);
        };
        auto chain = public_file(certificate, table.label("tls_certificate"), table.where("tls_certificate"));
        auto secret = secret_file(key, table.label("tls_key"), table.where("tls_key"));
        if (!chain || !secret) return std::nullopt;
        http::TlsIdentity out{std::move(*chain), std::move(*secret)};
        if (const auto why = http::refusal_of_certificate(out.certificate_pem))
            refuse("tls_certificate", *why);
        if (const auto why = http::refusal_of_key(out)) refuse("tls_key", *why);
        return out;
    }

    void times(const toml::table& found) {
        Table table(found, "times", problems_);
        auto& times = config_.settings.times;
        const auto seconds = [&](std::string_view key, Millis& into, std::int64_t least, std::int64_t most) {
            if (const auto read = table.number(key, least, most)) into = std::chrono::seconds(*read);
        };
        seconds("callout_max", times.callout_max, 1, seconds_max);
        seconds("callout_min", times.callout_min, 1, seconds_max);
        seconds("grace", times.grace, 0, seconds_max);
        seconds("hold_margin", times.hold_margin, 0, seconds_max);
        seconds("confirm_within", times.confirm_within, 1, seconds_max);
        seconds("doubt_alert", times.doubt_alert, 1, seconds_max);
        seconds("answer_within", config_.settings.answer_within, 1, answer_within_seconds_max);
        if (times.callout_min > times.callout_max)
            problems_.add(table.where("callout_min"), "times.callout_min is longer than times.callout_max");
        table.close();
    }

    void load(const toml::table& found) {
        static constexpr std::size_t mebibyte = 1024 * 1024;
        Table table(found, "load", problems_);
        const auto count = [&](std::string_view key, std::size_t& into, std::size_t least, std::size_t most) {
            if (const auto read =
                    table.number(key, static_cast<std::int64_t>(least), static_cast<std::int64_t>(most)))
                into = static_cast<std::size_t>(*read);
        };
        auto& settings = config_.settings;
        auto& [connections, calls] = config_.descriptors;
        count("connections", connections, connections_least, connections_most);
        count("calls", calls, calls_least, calls_most);
        count("merchant_calls", settings.merchant_calls_at_once_max, merchant_calls_least, calls_most);
        count("merchant_calls_waiting", settings.merchant_calls_waiting_max, merchant_waiting_least,
              merchant_waiting_most);
        std::size_t mebibytes = config_.load.bytes_in_hand_max / mebibyte;
        count("memory_mib", mebibytes, memory_mib_least, memory_mib_most);
        config_.load.bytes_in_hand_max = mebibytes * mebibyte;
        config_.load.calls_waiting_max = merchants_waiting * settings.merchant_calls_waiting_max;
        if (settings.merchant_calls_at_once_max > calls)
            problems_.add(table.where("merchant_calls"),
                          "load.merchant_calls (" + std::to_string(settings.merchant_calls_at_once_max) +
                              ") is more than load.calls (" + std::to_string(calls) + "), of all merchants");
        table.close();
    }

    /// The name of an entry; "" and a problem when it is missing, malformed or there already.
    std::string entry_name(Table& table, std::string_view key, std::set<std::string>& seen,
                           std::string_view kind) {
        table.need(key);
        const auto name = table.value<std::string>(key);
        if (!name) return "";
        if (!is_name(*name)) {
            problems_.add(table.where(key), table.label(key) + " " + name_rule);
            return "";
        }
        if (!seen.insert(*name).second) {
            problems_.add(table.where(key), "there is another " + std::string(kind) + " " + in_quotes(*name));
            return "";
        }
        return *name;
    }

    std::string display_text(Table& table, std::string_view key, std::string otherwise) {
        auto text = table.text(key, std::move(otherwise));
        if (text.size() > limits::text_bytes_max)
            problems_.add(table.where(key), table.label(key) + " is longer than " +
                                                std::to_string(limits::text_bytes_max) + " bytes");
        return text;
    }

    void system(const toml::table& found) {
        Table table(found, "system", problems_);
        engine::System out;
        out.name = entry_name(table, "name", system_names_, "system");
        for (auto& [digest, where] : table.texts("key_digests")) key_digest(out.key_digests, digest, where);
        for (auto& [file, where] : table.texts("key_digest_files")) {
            if (auto text = public_file(file, "system.key_digest_files", where)) {
                // As sha256sum writes it: the digest, a blank and whatever it was made of.
                key_digest(out.key_digests, text->substr(0, text->find_first_of(" \t\r\n")), where);
            }
        }
        if (table.has("key") || table.has("api_key"))
            problems_.add(table.where(table.has("key") ? "key" : "api_key"),
                          "system: the API key itself does not stand here; give its SHA-256 (key_digests)");
        if (!table.has("key_digests") && !table.has("key_digest_files"))
            problems_.add(table.where(),
                          "system.key_digests or system.key_digest_files is missing: nobody could log in");
        table.close();
        config_.directory.systems.push_back(std::move(out));
    }

    void key_digest(std::vector<std::string>& into, std::string digest, const toml::source_region& where) {
        const bool hexadecimal =
            digest.size() == 64 && digest.find_first_not_of("0123456789abcdef") == std::string::npos;
        if (!hexadecimal) {
            problems_.add(where, "the SHA-256 of an API key is 64 digits of lower-case hexadecimal");
        } else if (!key_digests_.insert(digest).second) {
            problems_.add(where, "another system or caller has the same API key");
        } else {
            into.push_back(std::move(digest));
        }
    }

    void source(const toml::table& found) {
        Table table(found, "source", problems_);
        engine::Source out;
        out.code = entry_name(table, "code", source_codes_, "source");
        out.description = display_text(table, "description", out.code);
        table.close();
        config_.directory.sources.push_back(std::move(out));
    }

    // ---- Apple Pay

    void apple_pay(const toml::table& found) {
        const auto problems_before = problems_.count();
        Table table(found, "apple_pay", problems_);
        ShopRead read;
        auto& shop = read.shop;
        shop.name = entry_name(table, "name", shop_names_, "apple_pay");
        for (const char* key : {"merchant_identifier", "display_name", "country", "domains",
                                "identity_certificate", "identity_key", "processing"})
            table.need(key);
        read.verifier.merchant_identifier = table.text("merchant_identifier");
        shop.display_name = table.text("display_name");
        shop.country = table.text("country");
        for (auto& [domain, where] : table.texts("domains")) shop.domains.push_back(std::move(domain));
        shop.gateway_url = table.text("gateway", std::string(providers::apple_pay::production_gateway));
        read.test_gateway = table.flag("test_gateway", false);
        shop.wants_application_data = wants_application_data(table);
        shop.identity_certificate_pem = shop_file(table, "identity_certificate");
        shop.domain_association = shop_file(table, "domain_association_file");
        read.verifier.root_pem = shop_file(table, "root");
        if (const auto* key = table.node("identity_key"))
            if (auto secret = secret_of(*key, table.label("identity_key")))
                shop.identity_key_pem = std::move(*secret);
        std::vector<toml::source_region> lines;
        processing_keys(table, read.verifier, lines);
        amount_places(table, read.verifier);
        table.close();
        // What is missing was said; a second reason for the same would help nobody.
        if (problems_.count() != problems_before) return;
        for (const auto& [key, why] : complete(read, config_.settings.mode, config_.settings.public_url)) {
            const bool is_of_a_key = key.starts_with("processing.");
            const auto name = is_of_a_key ? std::string("processing") : key.substr(0, key.find('.'));
            const auto where = is_of_a_key ? lines.at(static_cast<std::size_t>(std::stoul(key.substr(11))))
                                           : table.where(name);
            problems_.add(where, table.label(key) + ": " + why);
        }
        auto made = std::make_shared<const providers::apple_pay::Shop>(std::move(shop));
        config_.directory.apple_pay_shops.push_back(made);
    }

    bool wants_application_data(Table& table) {
        const auto word = table.text("application_data", "required");
        if (word != "required" && word != "if_given")
            problems_.add(table.where("application_data"),
                          table.label("application_data") + " must be \"required\" or \"if_given\"");
        return word == "required";
    }

    std::string shop_file(Table& table, std::string_view key) {
        const auto name = table.value<std::string>(key);
        if (!name) return "";
        auto text = public_file(*name, table.label(key), table.where(key));
        if (text && text->empty()) problems_.add(table.where(key), table.label(key) + ": the file is empty");
        return text.value_or("");
    }

    void processing_keys(Table& table, providers::apple_pay::Options& options,
                         std::vector<toml::source_region>& lines) {
        const auto* found = table.node("processing");
        if (found == nullptr) return;
        const auto* list = found->as_array();
        if (list == nullptr || list->empty() || !list->is_array_of_tables())
            return table.wrong_type(*found, table.label("processing"), "a list of { certificate, key }");
        for (const auto& each : *list) {
            Table entry(*each.as_table(), table.label("processing"), problems_);
            entry.need("certificate");
            entry.need("key");
            providers::apple_pay::ProcessingKey pair;
            pair.certificate_pem = shop_file(entry, "certificate");
            if (const auto* key = entry.node("key"))
                if (auto secret = secret_of(*key, entry.label("key")))
                    pair.private_key_pem = std::move(*secret);
            entry.close();
            lines.push_back(each.source());
            options.keys.push_back(std::move(pair));
        }
    }

    void amount_places(Table& table, providers::apple_pay::Options& options) {
        constexpr std::int64_t places_max = 4;
        const auto* found = table.table("amount_places");
        if (found == nullptr) return;
        for (const auto& [key, value] : *found) {
            const auto places = value.value_exact<std::int64_t>();
            const auto currency = Currency::parse(key.str(), table.label("amount_places"));
            if (!currency)
                problems_.add(key.source(), table.label("amount_places") + ": " + currency.error().message);
            else if (!places || *places < 0 || *places > places_max)
                problems_.add(value.source(),
                              table.label("amount_places") + " must be whole numbers from 0 to 4");
            else
                options.exponents.emplace_back(currency->code(), static_cast<int>(*places));
        }
    }

    void merchant(const toml::table& found) {
        Table table(found, "merchant", problems_);
        providers::Merchant out;
        out.name = entry_name(table, "name", merchant_names_, "merchant");
        table.need("provider");
        out.provider = table.text("provider");
        out.base_url = table.text("base_url");
        out.retired = table.flag("retired", false);
        out.simulator = table.flag("simulator", false);
        const bool private_network = table.flag("private_network", false);
        if (table.flag("test_keys", false)) test_keys_.insert(out.name);
        if (!out.base_url.empty()) {
            check_url(out.base_url, "merchant.base_url", table.where("base_url"), Url::base, private_network);
            if (const auto url = parse_url(out.base_url, "base_url"); url && private_network)
                config_.private_origins.insert(url->origin());
        }
        if (live_ && out.simulator) problems_.add(table.where("simulator"), "live mode takes no simulator");
        if (out.retired) retired_.insert(out.name);
        merchant_lines_[out.name] = table.where().begin.line;
        for (const char* key : {"provider", "base_url"})
            merchant_lines_[out.name + " " + key] = table.where(key).begin.line;
        if (const auto* settings = table.table("settings"))
            merchant_settings(out, *settings, private_network);
        if (const auto* secrets = table.table("secrets")) merchant_secrets(out, *secrets);
        merchant_shop(out, table);
        table.close();
        config_.directory.merchants.push_back(std::move(out));
    }

    void merchant_shop(providers::Merchant& merchant, Table& table) {
        const auto name = table.value<std::string>("apple_pay");
        if (!name) return;
        for (const auto& shop : config_.directory.apple_pay_shops)
            if (shop->name == *name) merchant.apple_pay = shop;
        if (shop_names_.count(*name) == 0)
            problems_.add(table.where("apple_pay"),
                          "merchant.apple_pay: there is no [[apple_pay]] " + in_quotes(*name));
    }

    void merchant_settings(providers::Merchant& merchant, const toml::table& settings, bool private_network) {
        for (const auto& [key, value] : settings) {
            const std::string name(key.str());
            merchant_lines_[merchant.name + " " + name] = key.source().begin.line;
            if (const auto text = value.value_exact<std::string>()) {
                merchant.settings[name] = *text;
                if (name.ends_with("_url"))
                    check_url(*text, "merchant.settings." + name, value.source(), Url::address,
                              private_network);
            } else if (const auto number = value.value_exact<std::int64_t>()) {
                merchant.settings[name] = std::to_string(*number);
            } else if (const auto flag = value.value_exact<bool>()) {
                merchant.settings[name] = *flag ? "true" : "false";
            } else {
                problems_.add(value.source(),
                              "merchant.settings." + name + " must be a text, a whole number, true or false");
            }
        }
    }

    void merchant_secrets(providers::Merchant& merchant, const toml::table& secrets) {
        for (const auto& [key, value] : secrets) {
            const std::string name(key.str());
            const auto what = "merchant.secrets." + name;
            merchant_lines_[merchant.name + " " + name] = key.source().begin.line;
            if (auto secret = secret_of(value, what)) merchant.secrets[name] = std::move(*secret);
        }
    }

    /// { env = "NAME" } or { file = "/path" }.
    std::optional<Secret<>> secret_of(const toml::node& value, const std::string& what) {
        const auto* table = value.as_table();
        if (table == nullptr) {
            problems_.add(
                value.source(),
                what +
                    ": a secret does not stand in this file, which is copied, shown and kept in version "
                    "control; write { env = \"NAME\" } or { file = \"/path\" }");
            return std::nullopt;
        }
        Table from(*table, what, problems_);
        const auto variable = from.value<std::string>("env");
        const auto file = from.value<std::string>("file");
        if (from.has("env") == from.has("file")) {
            problems_.add(value.source(), what + " must be { env = \"NAME\" } or { file = \"/path\" }");
            return std::nullopt;
        }
        from.close();
        if (variable) return environment(*variable, what, value.source());
        if (file) return secret_file(*file, what, value.source());
        return std::nullopt;
    }

    void caller(const toml::table& found) {
        Table table(found, "caller", problems_);
        engine::Caller out;
        out.name = entry_name(table, "name", caller_names_, "caller");
        table.need("system");
        out.system = table.text("system");
        if (table.value<std::string>("system") && system_names_.count(out.system) == 0)
            problems_.add(table.where("system"),
                          "caller.system: there is no system " + in_quotes(out.system));
        out.password_hash = table.text("password_hash");
        if (!out.password_hash.empty() && !crypto::is_password_hash(out.password_hash))
            problems_.add(table.where("password_hash"),
                          "caller.password_hash is not a line that `kassi hash-password` printed");
        if (table.has("password"))
            problems_.add(table.where("password"),
                          "caller: the password itself does not stand here; give what `kassi hash-password` "
                          "prints (password_hash)");
        out.real_name = display_text(table, "real_name", out.name);
        out.country = table.text("country", out.country);
        if (out.country.size() != 2 ||
            out.country.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos)
            problems_.add(table.where("country"), "caller.country must be two lower-case letters");
        for (auto& [host, where] : table.texts("return_hosts")) {
            if (check_return_host(host, where)) out.return_hosts.push_back(std::move(host));
        }
        table.need("ways");
        if (const auto* ways = table.table("ways")) caller_ways(out, *ways);
        if (const auto* policy = table.table("policy")) caller_policy(out, *policy);
        if (const auto* limits = table.table("credit_limits")) caller_limits(out, *limits);
        if (const auto* access = table.table("ticket_order")) caller_ticket_order(out, *access);
        table.close();
        config_.directory.callers.push_back(std::move(out));
    }

    bool check_return_host(const std::string& host, const toml::source_region& where) {
        const auto refuse = [&](const std::string& why) {
            problems_.add(where, "caller.return_hosts: " + in_quotes(host) + " " + why);
            return false;
        };
        if (host.find("://") != std::string::npos || host.find('/') != std::string::npos)
            return refuse("must be a host, or host:port, without scheme and path");
        const auto url = parse_url("https://" + host + "/", "return_hosts");
        if (!url) return refuse("is not a host");
        const auto bare =
            host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
        if (std::any_of(bare.begin(), bare.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
            return refuse("must be in lower case");
        if (!live_) return true;
        if (is_private_host(url->host))
            return refuse("is not on the public internet, where live mode sends its customers");
        if (host.size() > bare.size() && url->port == 80)
            return refuse("names the port of http, and live mode returns by https only");
        return true;
    }

    void caller_ways(engine::Caller& caller, const toml::table& ways) {
        for (const auto& [key, value] : ways) {
            const std::string source(key.str());
            const auto what = "caller.ways." + in_quotes(source);
            if (source != "*" && !config_.directory.sources.empty() && source_codes_.count(source) == 0)
                problems_.add(key.source(), what + ": there is no source " + in_quotes(source));
            const auto* list = value.as_array();
            if (list == nullptr || list->empty()) {
                problems_.add(value.source(),
                              what + " must be a list of merchants, the first of them the default");
                continue;
            }
            auto& merchants = caller.ways[source];
            for (const auto& entry : *list) {
                const auto name = entry.value_exact<std::string>();
                if (!name) {
                    problems_.add(entry.source(), what + " must be a list of merchants");
                } else if (merchant_names_.count(*name) == 0) {
                    problems_.add(entry.source(), what + ": there is no merchant " + in_quotes(*name));
                } else if (retired_.count(*name) != 0) {
                    problems_.add(entry.source(),
                                  what + ": the merchant " + in_quotes(*name) + " is retired");
                } else if (std::find(merchants.begin(), merchants.end(), *name) != merchants.end()) {
                    problems_.add(entry.source(), what + " names " + in_quotes(*name) + " twice");
                } else {
                    merchants.push_back(*name);
                }
            }
        }
        if (ways.empty()) problems_.add(ways.source(), "caller.ways is empty: nothing could be paid");
    }

    void caller_policy(engine::Caller& caller, const toml::table& found) {
        Table table(found, "caller.policy", problems_);
        caller.policy.partial = table.flag("partial", false);
        if (const auto confirm = table.value<std::string>("confirm")) {
            if (const auto read = core::from_word<core::Confirm>(*confirm)) {
                caller.policy.confirm = *read;
            } else {
                problems_.add(table.where("confirm"), "caller.policy.confirm must be \"none\" or \"owner\"");
            }
        }
        if (const auto on_decline = table.value<std::string>("on_decline")) {
            if (const auto read = core::from_word<core::OnDecline>(*on_decline)) {
                caller.policy.on_decline = *read;
            } else {
                problems_.add(table.where("on_decline"),
                              "caller.policy.on_decline must be \"fail\" or \"again\"");
            }
        }
        table.close();
    }

    /// Each one of `known`, and once.
    void words(Table& table, std::string_view key, const auto& known, std::vector<std::string>& into) {
        for (auto& [word, where] : table.texts(key)) {
            if (std::find(std::begin(known), std::end(known), word) == std::end(known)) {
                std::string all;
                for (const std::string_view each : known) all.append(all.empty() ? "" : ", ").append(each);
                problems_.add(where, table.label(key) + ": " + in_quotes(word) + " is none of " + all);
            } else if (std::find(into.begin(), into.end(), word) != into.end()) {
                problems_.add(where, table.label(key) + " names " + in_quotes(word) + " twice");
            } else {
                into.push_back(std::move(word));
            }
        }
    }

    void caller_ticket_order(engine::Caller& caller, const toml::table& found) {
        Table table(found, "caller.ticket_order", problems_);
        auto& access = caller.ticket_order;
        words(table, "roles", engine::ticket_order_roles, access.roles);
        words(table, "permissions", engine::ticket_order_permissions, access.permissions);
        for (auto& [digest, where] : table.texts("key_digests"))
            key_digest(access.key_digests, std::move(digest), where);
        using Signature = engine::TicketOrderAccess::Signature;
        const auto policy = table.text("signature", "off");
        if (policy == "required" || policy == "optional")
            access.signature = policy == "required" ? Signature::required : Signature::optional;
        else if (policy != "off")
            problems_.add(table.where("signature"),
                          "caller.ticket_order.signature must be \"required\", \"optional\" or \"off\"");
        access.system_id = display_text(table, "system_id", "");
        if (const auto* secret = table.node("secret"))
            access.secret = secret_of(*secret, table.label("secret")).value_or(Secret<>());
        if (access.signature != Signature::off && (access.system_id.empty() || !table.has("secret")))
            problems_.add(
                table.where("signature"),
                "caller.ticket_order: signatures are checked with system_id and secret; both are needed");
        access.secret_is_enough = table.flag("secret_is_enough", false);
        access.allow_foreign_mpi = table.flag("allow_foreign_mpi", false);
        table.close();
    }

    void ticket_order(const toml::table& found) {
        Table table(found, "ticket_order", problems_);
        for (auto& [origin, where] : table.texts("allowed_origins")) {
            const auto url = parse_url(origin, "allowed_origins");
            if (!url || url->origin() != origin)
                problems_.add(where, "ticket_order.allowed_origins: " + in_quotes(origin) +
                                         " must be scheme and host, and the port where it is not the "
                                         "scheme's: https://app.example");
            else if (live_ && url->scheme != "https")
                problems_.add(where, "ticket_order.allowed_origins must be https in live mode");
            else
                config_.ticket_order_origins.push_back(std::move(origin));
        }
        table.close();
    }

    void caller_limits(engine::Caller& caller, const toml::table& limits_table) {
        for (const auto& [key, value] : limits_table) {
            const auto what = "caller.credit_limits." + std::string(key.str());
            const auto currency = Currency::parse(key.str(), what);
            if (!currency) {
                problems_.add(key.source(), what + ": " + currency.error().message);
                continue;
            }
            const auto minor = value.value_exact<std::int64_t>();
            if (!minor || *minor < 0 || *minor > std::numeric_limits<std::int64_t>::max() / 2) {
                problems_.add(
                    value.source(),
                    what + " must be a whole number of the smallest unit (pence, cents), 0 or more");
            } else if (!caller.credit_limits.emplace(std::string(currency->code()), *minor).second) {
                problems_.add(key.source(), what + " is there twice");
            }
        }
    }

    enum class Url {
        ours,    ///< scheme and authority alone
        base,    ///< paths are put behind it
        address  ///< asked for as it is
    };
    void check_url(const std::string& text, const std::string& what, const toml::source_region& where,
                   Url kind, bool private_network = false) {
        const auto url = parse_url(text, what);
        if (!url) {
            problems_.add(where, what + ": " + url.error().message);
            return;
        }
        if (kind != Url::address && text.ends_with('/'))
            problems_.add(where, what + " must not end in a slash");
        if (!url->query().empty() || text.find('?') != std::string::npos)
            problems_.add(where, what + " must have no query");
        if (kind == Url::ours && url->target != "/")
            problems_.add(where, what + " must have no path: tokens and paths of ours follow it");
        if (sandbox_ && kind != Url::ours && !is_loopback_host(url->host))
            problems_.add(where, what + ": a sandbox calls loopback addresses only");
        if (!live_) return;
        if (url->scheme != "https") problems_.add(where, what + " must be https in live mode");
        if (!private_network && is_private_host(url->host))
            problems_.add(where, what + " is not on the public internet: not in live mode");
    }

    /// What only the flows know: settings, secrets, addresses they need.
    void check_merchants() {
        for (const auto& merchant : config_.directory.merchants) {
            const auto line = merchant_lines_.at(merchant.name);
            const auto registry = providers::Registry::make({merchant});
            if (!registry) {
                // "merchants.<name>.<setting>"
                const auto& field = registry.error().field;
                const auto before = "merchants." + merchant.name + ".";
                const auto found =
                    field.starts_with(before)
                        ? merchant_lines_.find(merchant.name + " " + field.substr(before.size()))
                        : merchant_lines_.end();
                problems_.add_line(found == merchant_lines_.end() ? line : found->second,
                                   field + ": " + registry.error().message);
                continue;
            }
            if (!live_) continue;
            const auto* facts = (*registry)->facts_of(merchant.name);
            if (facts->test_only && !test_keys_.contains(merchant.name))
                problems_.add_line(line, "merchant " + in_quotes(merchant.name) +
                                             " has test keys: in live mode it would take no real money (say "
                                             "test_keys = true where nothing real is sold)");
            const bool signs = (*registry)->flow(merchant.provider)->signs_returns(merchant);
            if (facts->settled_by_return && !signs)
                problems_.add_line(line, "merchant " + in_quotes(merchant.name) +
                                             " cannot be asked: in live mode it must sign its returns "
                                             "(signed_return = true)");
        }
    }

    std::string file_;
    std::filesystem::path folder_;
    Problems problems_;
    Config config_;
    bool live_ = false,
         sandbox_ = false;  ///< neither while the mode is not known: no reason beside the real one
    std::set<std::string> system_names_, caller_names_, source_codes_, merchant_names_, retired_, test_keys_,
        key_digests_, shop_names_;
    std::map<std::string, std::size_t> merchant_lines_;  ///< "name", and "name setting"
};

}  // namespace

ConfigReading read_config_fully(const std::string& file) {
    return ConfigReader(file).read();
}

Result<Config> read_config(const std::string& file) {
    auto reading = read_config_fully(file);
    if (reading.config) return std::move(*reading.config);
    return reading.errors.front();
}

}  // namespace kassi::service
