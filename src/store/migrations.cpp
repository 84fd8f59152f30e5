#include "store/migrations.hpp"

namespace kassi::store {
namespace {

std::int64_t newest() {
    return static_cast<std::int64_t>(migrations().size());
}

Error wrong_schema(std::int64_t found) {
    return Error{ErrorKind::internal, "",
                 found > newest()
                     ? "the data base has schema " + std::to_string(found) +
                           ", newer than this program, which knows up to " + std::to_string(newest())
                     : "the data base has schema " + std::to_string(found) + ", older than this program's " +
                           std::to_string(newest()) + ": run kassi migrate"};
}

}  // namespace

Result<std::int64_t> apply_migrations(Database& database,
                                      const std::function<void(std::int64_t, std::int64_t)>& progress) {
    const std::int64_t before = database.number("PRAGMA user_version");
    if (before > newest()) return wrong_schema(before);
    if (before < 0)
        return Error{
            ErrorKind::internal, "",
            "kassi.db is damaged: it has schema " + std::to_string(before) + ", which nobody writes"};
    if (before == 0 && database.number("SELECT count(*) FROM sqlite_schema") != 0)
        return Error{ErrorKind::internal, "", "kassi.db is another program's data base"};
    for (std::int64_t version = before; version < newest(); ++version) {
        const std::string sql = "BEGIN IMMEDIATE;" +
                                std::string(migrations()[static_cast<std::size_t>(version)].sql) +
                                ";PRAGMA user_version = " + std::to_string(version + 1) + ";COMMIT";
        database.execute(sql.c_str());
        if (progress) progress(version + 1 - before, newest() - before);
    }
    return before;
}

Result<std::int64_t> check_schema(Database& database) {
    const std::int64_t found = database.number("PRAGMA user_version");
    if (found != newest()) return wrong_schema(found);
    return found;
}

}  // namespace kassi::store
