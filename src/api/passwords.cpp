#include "api/passwords.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/secret.hpp"

namespace kassi::api {
namespace {

constexpr std::size_t process_key_bytes = 32;

Error refused() {
    return Error{ErrorKind::unauthenticated, "", "User authorisation failure"};
}

std::string random_text(std::size_t bytes, Randomness& randomness) {
    std::vector<std::uint8_t> raw(bytes);
    randomness.fill(raw);
    return {raw.begin(), raw.end()};
}

struct Credentials {
    std::string user;
    Secret<> password;
};

std::optional<Credentials> read_basic(std::string_view authorization) {
    constexpr std::string_view scheme = "basic ";
    if (authorization.size() < scheme.size()) return std::nullopt;
    const auto same = std::equal(scheme.begin(), scheme.end(), authorization.begin(),
                                 [](char wanted, char c) { return wanted == c || wanted == (c | 0x20); });
    if (!same) return std::nullopt;
    auto rest = authorization.substr(scheme.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    auto decoded = encoding::from_base64(rest, "Authorization");
    if (!decoded || !encoding::is_utf8(*decoded)) return std::nullopt;
    const auto colon = decoded->find(':');
    if (colon == std::string::npos) return std::nullopt;
    Credentials credentials{decoded->substr(0, colon), Secret<>(decoded->substr(colon + 1))};
    wipe(decoded->data(), decoded->size());
    return credentials;
}

}  // namespace

struct Passwords::State : std::enable_shared_from_this<Passwords::State> {
    struct Job {
        std::string proof;
        std::string user;
        Secret<> password;
        std::string hash;
    };

    State(const engine::Directory& known, Randomness& randomness, Post post_to_io, std::size_t queue,
          std::size_t remember)
        : directory(known),
          post(std::move(post_to_io)),
          queue_max(queue),
          remembered_max(remember),
          key(random_text(process_key_bytes, randomness)),
          // For users that nobody knows: checked like any other, and never right.
          nobody_hash(crypto::nobodys_password_hash(randomness)) {}

    const engine::Directory& directory;
    const Post post;
    const std::size_t queue_max;
    const std::size_t remembered_max;
    const Secret<> key;
    const std::string nobody_hash;

    // ---- io thread only -------------------------------------------------------------------------------
    std::map<std::string, std::string, std::less<>> proofs;  ///< user -> HMAC of the right password
    std::deque<std::string> oldest;                          ///< users in `proofs`, in order of arrival
    std::map<std::string, std::vector<Done>> waiting;        ///< by HMAC: one scrypt answers them all

    // ---- shared with the pool -------------------------------------------------------------------------
    std::mutex mutex;
    std::condition_variable_any work;
    std::deque<Job> jobs;
    std::vector<std::jthread> pool;

    [[nodiscard]] std::string proof_of(std::string_view user, std::string_view password) const {
        // The length keeps "ab" + "c" and "a" + "bc" apart.
        auto text = std::to_string(user.size()) + ":";
        text.append(user).append(password);
        const auto digest = crypto::to_bytes(crypto::hmac_sha256(key.reveal(), text));
        wipe(text.data(), text.size());
        return digest;
    }

    void remember(const std::string& user, const std::string& proof) {
        const auto [place, fresh] = proofs.insert_or_assign(user, proof);
        if (!fresh) return;
        oldest.push_back(user);
        if (oldest.size() <= remembered_max) return;
        proofs.erase(oldest.front());
        oldest.pop_front();
    }

    bool enqueue(Job job) {
        {
            const std::lock_guard lock(mutex);
            if (jobs.size() >= queue_max) return false;
            jobs.push_back(std::move(job));
        }
        work.notify_one();
        return true;
    }

    void run(const std::stop_token& stop) {
        while (true) {
            Job job;
            {
                std::unique_lock lock(mutex);
                if (!work.wait(lock, stop, [this] { return !jobs.empty(); })) return;
                job = std::move(jobs.front());
                jobs.pop_front();
            }
            const bool right = crypto::check_password(job.password.reveal(), job.hash);
            post([weak = weak_from_this(), user = std::move(job.user), proof = std::move(job.proof), right] {
                if (const auto self = weak.lock()) self->checked(user, proof, right);
            });
        }
    }

    void checked(const std::string& user, const std::string& proof, bool right) {
        const auto found = waiting.find(proof);
        if (found == waiting.end()) return;
        const auto dones = std::move(found->second);
        waiting.erase(found);
        const auto* caller = right ? directory.caller(user) : nullptr;
        if (caller != nullptr) remember(user, proof);
        for (const auto& done : dones) {
            if (caller != nullptr)
                done(caller);
            else
                done(refused());
        }
    }
};

Passwords::Passwords(const engine::Directory& directory, Randomness& randomness, Post post,
                     std::size_t threads, std::size_t queue_max, std::size_t remembered_max)
    : state_(std::make_shared<State>(directory, randomness, std::move(post), queue_max, remembered_max)) {
    for (std::size_t i = 0; i < threads; ++i)
        state_->pool.emplace_back([raw = state_.get()](const std::stop_token& stop) { raw->run(stop); });
}

Passwords::~Passwords() {
    for (auto& thread : state_->pool) thread.request_stop();
    state_->pool.clear();  // joins
}

void Passwords::check(std::string_view user, std::string_view password, Done done) {
    auto& state = *state_;
    if (user.empty() || user.size() > user_bytes_max || password.size() > password_bytes_max)
        return done(refused());
    const auto proof = state.proof_of(user, password);
    const auto* caller = state.directory.caller(user);
    const auto known = state.proofs.find(user);
    if (caller != nullptr && known != state.proofs.end() && crypto::equal(known->second, proof))
        return done(caller);

    if (const auto open = state.waiting.find(proof); open != state.waiting.end()) {
        open->second.push_back(std::move(done));
        return;
    }
    const bool can_log_in = caller != nullptr && !caller->password_hash.empty();
    State::Job job{proof, std::string(user), Secret<>(std::string(password)),
                   can_log_in ? caller->password_hash : state.nobody_hash};
    if (!state.enqueue(std::move(job)))
        return done(Error{ErrorKind::unavailable, "", "too many passwords are being checked: try again"});
    state.waiting[proof].push_back(std::move(done));
}

void Passwords::check_basic(std::string_view authorization, Done done) {
    auto credentials = read_basic(authorization);
    if (!credentials) return done(refused());
    check(credentials->user, credentials->password.reveal(), std::move(done));
}

std::size_t Passwords::remembered() const {
    return state_->proofs.size();
}

}  // namespace kassi::api
