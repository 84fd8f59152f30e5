#include "store/copy.hpp"

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "store/columns.hpp"
#include "store/directory.hpp"

namespace kassi::store {
namespace {

constexpr const char* copied_at_name = "copied_at";
constexpr const char* copied_head_name = "copied_head";
constexpr const char* restored_from_name = "restored_from";
constexpr const char* restored_at_name = "restored_at";

std::optional<Instant> instant_of(Database& database, const char* name) {
    const auto text = meta_of(database, name);
    if (!text) return std::nullopt;
    std::int64_t millis = 0;
    const auto read = std::from_chars(text->data(), text->data() + text->size(), millis);
    if (read.ec != std::errc() || read.ptr != text->data() + text->size())
        throw std::runtime_error(std::string("the store is broken: meta ") + name + " is no instant");
    return to_instant(millis);
}

void put(Database& database, const char* name, const std::string& value) {
    Statement statement(database, "INSERT OR REPLACE INTO meta VALUES (?, ?)");
    statement.run(name, value);
}

}  // namespace

std::optional<std::string> meta_of(Database& database, const char* name) {
    if (database.number("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'") == 0) return std::nullopt;
    Statement find(database, "SELECT value FROM meta WHERE name = ?");
    Rows rows(find, name);
    if (!rows.next()) return std::nullopt;
    return std::string(rows.text(0));
}

void mark_as_copy(Database& database, Instant copied_at, const std::string& head_hex) {
    put(database, copied_at_name, std::to_string(to_millis(copied_at)));
    put(database, copied_head_name, head_hex);
}

void put_to_work_mark(Database& database, Instant now) {
    const auto copied_at = meta_of(database, copied_at_name);
    if (!copied_at) return;
    put(database, restored_from_name, *copied_at);
    put(database, restored_at_name, std::to_string(to_millis(now)));
    Statement drop(database, "DELETE FROM meta WHERE name IN (?, ?)");
    drop.run(copied_at_name, copied_head_name);
}

Store::Origin origin_of(Database& database) {
    return Store::Origin{.copied_at = instant_of(database, copied_at_name),
                         .restored_from = instant_of(database, restored_from_name),
                         .restored_at = instant_of(database, restored_at_name)};
}

bool untouched_copy(const std::string& directory) {
    // Bytes 18 and 19 of the header: 1 for a rollback journal, as a copy has it, 2 for a WAL, which a house
    // turns on before anything else.
    static constexpr std::size_t version_at = 18;
    std::array<char, 20> header{};
    std::ifstream file(database_file(directory), std::ios::binary);
    return file.read(header.data(), header.size()) && header[version_at] == 1;
}

Result<void> check_neighbours(const std::string& directory) {
    if (!untouched_copy(directory)) return {};
    std::string found;
    for (const char* more : {"-wal", "-shm"})
        if (std::filesystem::exists(database_file(directory) + more))
            found += std::string(found.empty() ? "" : " and ") + "kassi.db" + more;
    if (found.empty()) return {};
    return Error{ErrorKind::conflict, "",
                 found +
                     " beside the copy belong to the record that was here before, and would be mixed "
                     "into the copy: remove them"};
}

Error not_put_to_work(Instant copied_at) {
    return Error{ErrorKind::conflict, "",
                 "the record is a copy that was made at " + iso8601(copied_at) +
                     ", and what happened since is not known: start it once with --restored (kassi serve "
                     "--restored, or sandbox), which asks the providers for that before anything is begun"};
}

}  // namespace kassi::store
