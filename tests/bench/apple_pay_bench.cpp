#include <benchmark/benchmark.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <vector>

#include "tests/unit/simulators/wallet.hpp"

/// What the check of an Apple Pay token costs, beside the arithmetic that nobody can leave out: a
/// verification on P-256, measured in the same run. `apple_pay_bench` prints both, and the ratio of their
/// medians.
namespace {

using namespace kassi;
using sandbox::test::Apple;

constexpr Instant today{std::chrono::seconds{1'795'850'000}};
constexpr int rounds = 200;

const Apple& world() {
    return Apple::at(today);
}

const providers::apple_pay::Verifier& verifier() {
    static const auto shop = world().shop();
    return *shop->verifier;
}

const std::string& token(bool rsa) {
    const auto make = [](bool with_rsa) {
        auto order = world().order("a transaction", today);
        if (with_rsa) {
            order.version = sandbox::apple::Version::rsa_v1;
            order.processing_certificate_pem = world().papers.processing_rsa.certificate_pem;
        }
        return world().world.token(order);
    };
    static const std::string ec_token = make(false), rsa_token = make(true);
    return rsa ? rsa_token : ec_token;
}

/// A key, a message and its signature.
struct P256 {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    std::vector<unsigned char> message = std::vector<unsigned char>(423, 7), signature;
    P256() {
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        std::size_t size = 0;
        EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key);
        EVP_DigestSign(context, nullptr, &size, message.data(), message.size());
        signature.resize(size);
        EVP_DigestSign(context, signature.data(), &size, message.data(), message.size());
        signature.resize(size);
        EVP_MD_CTX_free(context);
    }
    P256(const P256&) = delete;
    P256& operator=(const P256&) = delete;
    ~P256() { EVP_PKEY_free(key); }
    [[nodiscard]] bool verify() const {
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        const bool good = EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key) == 1 &&
                          EVP_DigestVerify(context, signature.data(), signature.size(), message.data(),
                                           message.size()) == 1;
        EVP_MD_CTX_free(context);
        return good;
    }
};

void verify_token(benchmark::State& state) {
    const auto& text = token(state.range(0) == 1);
    for (auto _ : state)
        if (!verifier().verify(text, today)) state.SkipWithError("a good token is refused");
}
BENCHMARK(verify_token)->ArgName("rsa")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

void open_token(benchmark::State& state) {
    const auto& text = token(state.range(0) == 1);
    for (auto _ : state)
        if (!verifier().open(text)) state.SkipWithError("a good token cannot be opened");
}
BENCHMARK(open_token)->ArgName("rsa")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

void verify_p256(benchmark::State& state) {
    const P256 p256;
    for (auto _ : state)
        if (!p256.verify()) state.SkipWithError("a good signature is refused");
}
BENCHMARK(verify_p256)->Unit(benchmark::kMicrosecond);

template <class Work>
double once(Work work) {
    const auto began = std::chrono::steady_clock::now();
    if (!work()) throw std::runtime_error("what must hold does not");
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count();
}

double at(std::vector<double> times, double share) {
    std::sort(times.begin(), times.end());
    return times[std::min(times.size() - 1,
                          static_cast<std::size_t>(share * static_cast<double>(times.size())))];
}

/// Alternating, so that whatever else the machine does hits both.
void print_ratio() {
    const P256 p256;
    const auto& text = token(false);
    std::vector<double> tokens, signatures;
    for (int i = 0; i < rounds; ++i) {
        tokens.push_back(once([&] { return verifier().verify(text, today).has_value(); }));
        signatures.push_back(once([&] { return p256.verify(); }));
    }
    std::cout << "a token (EC_v1): median " << at(tokens, 0.5) << " us, p99 " << at(tokens, 0.99)
              << " us; one P-256 verification: median " << at(signatures, 0.5) << " us; ratio "
              << at(tokens, 0.5) / at(signatures, 0.5) << "\n";
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    print_ratio();
    return 0;
}
