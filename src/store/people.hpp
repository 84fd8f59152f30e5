#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "store/keys.hpp"
#include "store/sqlite.hpp"

/// What is kept of the customer: sealed, each row with a key of its own, which can be shredded. A deleted row
/// may leave copies of itself in the file wherever SQLite moved it before; its key is never moved, and is
/// overwritten where it stands.
namespace kassi::store {

/// The two tables, which have the same columns.
enum class Person { customer, document };

struct SealedPerson {
    std::string salt, sealed;  ///< the key is made of the salt and the master key
};
SealedPerson seal_person(const Keys& keys, Person what, const TransactionId& id, std::string_view json,
                         Randomness& randomness);

class PeopleWriter {
  public:
    explicit PeopleWriter(Database& database);

    /// In place of what was kept, if `replaces`, whose key is shredded.
    void put(Person what, std::int64_t serial, const SealedPerson& person, bool replaces);
    /// Both rows are deleted, their keys shredded.
    void forget(std::int64_t serial);

  private:
    struct Table {
        Table(Database& database, const std::string& name);
        Statement find, put, drop;
    };
    Table& table(Person what) { return what == Person::customer ? customer_ : document_; }
    void drop(Table& table, std::int64_t serial);

    Database& database_;
    Table customer_, document_;
    Statement add_key_, shred_key_;
};

/// The JSON of a row: as it was handed over. `key_number` is null for one from before there were keys, whose
/// `json` is in clear. Error: internal, when it cannot be opened.
Result<std::string> open_person(const Keys& keys, Person what, const TransactionId& id, std::string_view json,
                                std::string_view sealed, std::string_view salt, bool in_clear);

}  // namespace kassi::store
