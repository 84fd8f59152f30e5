#include "store/people.hpp"

#include <array>

#include "base/crypto.hpp"

namespace kassi::store {
namespace {

constexpr std::size_t salt_bytes = 16;

std::string context_of(Person what, const TransactionId& id) {
    return id.text() + (what == Person::customer ? "/customer" : "/document");
}

}  // namespace

PeopleWriter::Table::Table(Database& database, const std::string& name)
    : find(database, "SELECT key_number FROM " + name + " WHERE transaction_serial = ?"),
      put(database,
          "INSERT INTO " + name + " (transaction_serial, json, key_number, sealed) VALUES (?, '', ?, ?)"),
      drop(database, "DELETE FROM " + name + " WHERE transaction_serial = ?") {}

SealedPerson seal_person(const Keys& keys, Person what, const TransactionId& id, std::string_view json,
                         Randomness& randomness) {
    std::array<std::uint8_t, salt_bytes> random{};
    randomness.fill(random);
    SealedPerson person{std::string(random.begin(), random.end()), ""};
    person.sealed = crypto::seal(keys.person(person.salt).reveal(), context_of(what, id), json, randomness);
    return person;
}

PeopleWriter::PeopleWriter(Database& database)
    : database_(database),
      customer_(database, "customer"),
      document_(database, "document"),
      add_key_(database, "INSERT INTO person_key (salt) VALUES (?)"),
      shred_key_(database, "UPDATE person_key SET salt = ? WHERE number = ?") {}

void PeopleWriter::put(Person what, std::int64_t serial, const SealedPerson& person, bool replaces) {
    Table& into = table(what);
    if (replaces) drop(into, serial);
    add_key_.run(Blob{person.salt});
    const std::int64_t number = database_.last_serial();
    into.put.run(serial, number, Blob{person.sealed});
}

void PeopleWriter::forget(std::int64_t serial) {
    drop(customer_, serial);
    drop(document_, serial);
}

void PeopleWriter::drop(Table& from, std::int64_t serial) {
    std::optional<std::int64_t> number;
    {
        Rows rows(from.find, serial);
        if (!rows.next()) return;
        number = rows.optional_integer(0);
    }
    if (number) {
        static const std::string nothing(salt_bytes, '\0');
        shred_key_.run(Blob{nothing}, *number);
        return from.drop.run(serial);
    }
    // In clear, from before there were keys: its pages are overwritten, too, when they become free.
    database_.execute("PRAGMA secure_delete = ON");
    from.drop.run(serial);
    database_.execute("PRAGMA secure_delete = FAST");
}

Result<std::string> open_person(const Keys& keys, Person what, const TransactionId& id, std::string_view json,
                                std::string_view sealed, std::string_view salt, bool in_clear) {
    if (in_clear) return std::string(json);
    return crypto::open(keys.person(salt).reveal(), context_of(what, id), sealed);
}

}  // namespace kassi::store
