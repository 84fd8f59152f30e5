#pragma once

#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace kassi::sandbox::stripe {

inline constexpr Millis key_life{24LL * 3'600'000};  ///< then the same key begins something new
inline constexpr std::size_t keys_max = 3'000'000;

/// Idempotency keys, each of one account: which request came with it first, and what that was answered. What
/// is answered twice is the same, whatever it was; what was refused before any work began is forgotten.
class Keys {
  public:
    explicit Keys(std::size_t most = keys_max) : most_(most) {}

    struct Kept {
        std::string path;  ///< "/v1/refunds"
        std::string fingerprint;
        std::string request;  ///< id of the first one
        int status = 0;       ///< 0: still at work
        std::string body;
        Instant at{};
    };
    enum class Verdict { fresh, replay, other_parameters, other_path, at_work, full };
    struct Found {
        Verdict verdict = Verdict::fresh;
        const Kept* kept = nullptr;  ///< of a replay and other_path
    };
    Found look(const std::string& account, const std::string& key, std::string_view path,
               std::string_view fingerprint, Instant now);
    /// The work begins; only after `fresh`.
    void begin(const std::string& account, const std::string& key, Kept kept);
    /// It ended. `keep` false: as if the key had never come.
    void end(const std::string& account, const std::string& key, int status, std::string body, bool keep);

    // ---- what outlives the house
    [[nodiscard]] bool changed() const { return !fresh_.empty(); }
    void record(JsonWriter& out);
    /// Those that are still alive.
    void save_all(const std::function<void(const std::string& line)>& save, Instant now) const;
    /// The "keys" of a line. False when they are not understood.
    bool load(const nlohmann::json& line, const std::set<std::string>& accounts, Instant now);

  private:
    using Name = std::pair<std::string, std::string>;  ///< account, key
    void forget_old(Instant now);
    void put(const Name& name, Kept kept);

    std::size_t most_;
    std::map<Name, Kept> kept_;
    std::deque<std::pair<Instant, Name>> ages_;  ///< oldest first
    std::vector<Name> fresh_;                    ///< since the last record()
};

}  // namespace kassi::sandbox::stripe
