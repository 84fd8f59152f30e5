#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "base/recent.hpp"
#include "store/store.hpp"

namespace kassi::store {

/// The transactions that were read or written last, as they are on disk, so that they need not be read and
/// parsed again. Good for one process that is the only one to write. Everything on one thread.
///
/// While a transaction is being written nobody but the disk knows which state it has: it is not kept then,
/// and whoever asks is sent to the disk.
class Newest {
  public:
    /// `bytes_max`: of all that is kept, by Loaded::stored_bytes. In memory it is some three times as much.
    explicit Newest(std::size_t bytes_max) : kept_(bytes_max) {}

    /// nullptr: to be read from the disk.
    std::shared_ptr<const Loaded> find(const TransactionId& id);
    /// What was read from the disk.
    void keep(std::shared_ptr<const Loaded> loaded);

    void write_begins(const TransactionId& id);
    /// `after`: what it is now; nullptr when nothing was written.
    void write_ended(const TransactionId& id, std::shared_ptr<const Loaded> after);

  private:
    Recent<TransactionId, std::shared_ptr<const Loaded>, IdHash> kept_;
    std::map<TransactionId, std::size_t> writes_;  ///< that are under way
};

}  // namespace kassi::store
