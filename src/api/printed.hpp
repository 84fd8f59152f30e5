#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/recent.hpp"
#include "store/store.hpp"

namespace kassi::api {

/// The answers that were printed last, for those who look again and again at what does not move: the same
/// record, found in memory, is not printed again. For answers that are a function of the record alone.
class Printed {
  public:
    /// The record's answer, which `print` makes unless it is kept.
    std::string of(const std::shared_ptr<const store::Loaded>& record,
                   const std::function<std::string()>& print) {
        if (const auto* kept = kept_.find(record)) return *kept;
        auto text = print();
        kept_.keep(record, text, text.size());
        return text;
    }

  private:
    static constexpr std::size_t bytes_max = 8 * 1024 * 1024;  ///< of text; half of it is always kept
    /// By the record itself, which stays where it is as long as it is kept here.
    Recent<std::shared_ptr<const store::Loaded>, std::string> kept_{bytes_max};
};

}  // namespace kassi::api
