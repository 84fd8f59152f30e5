#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "engine/engine.hpp"
#include "tests/unit/loop.hpp"

namespace kassi {

/// What a booking system hands over, committed.
inline TransactionId handed_over(engine::Engine& engine, Loop& loop, engine::HandOverRequest request) {
    std::optional<TransactionId> id;
    engine.hand_over(std::move(request), {"system box-office", "", std::nullopt},
                     [&](const Result<engine::View>& view) {
                         EXPECT_TRUE(view) << (view ? "" : view.error().field + " " + view.error().message);
                         id = view ? view->transaction.id : TransactionId{};
                     });
    loop.run_until([&] { return id.has_value(); });
    return *id;
}

}  // namespace kassi
