#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include "stripe_scenes.hpp"

namespace kassi::faults {
namespace {

namespace asio = boost::asio;
using testing::HasSubstr;
using testing::Not;
using Clock = std::chrono::system_clock;

constexpr std::chrono::hours day{24};

/// A TLS server that speaks nothing newer than 1.1.
class OldServer : public std::enable_shared_from_this<OldServer> {
  public:
    explicit OldServer(asio::io_context& io)
        : acceptor_(io, {asio::ip::address_v4::loopback(), 0}), context_(asio::ssl::context::tls_server) {
        const auto identity = good_identity();
        SSL_CTX_set_security_level(context_.native_handle(), 0);
        SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context_.native_handle(), TLS1_1_VERSION);
        context_.use_certificate_chain(asio::buffer(identity.certificate_pem));
        context_.use_private_key(asio::buffer(identity.private_key_pem.reveal()), asio::ssl::context::pem);
    }
    void serve() {
        acceptor_.async_accept([self = shared_from_this()](const auto& ec, asio::ip::tcp::socket socket) {
            if (ec) return;
            auto stream =
                std::make_shared<asio::ssl::stream<asio::ip::tcp::socket>>(std::move(socket), self->context_);
            stream->async_handshake(asio::ssl::stream_base::server, [self, stream](const auto& failed) {
                if (!failed) ++self->greeted_;
            });
            self->serve();
        });
    }
    void close() { acceptor_.close(); }
    [[nodiscard]] unsigned short port() const { return acceptor_.local_endpoint().port(); }
    [[nodiscard]] int greeted() const { return greeted_; }

  private:
    asio::ip::tcp::acceptor acceptor_;
    asio::ssl::context context_;
    int greeted_ = 0;
};

http::TlsIdentity of_ours(const std::vector<std::string>& names,
                          const http::Validity& validity = http::Validity::a_year()) {
    return http::make_certificate(authority(), names, validity);
}

enum class Bad {
    another_authority,
    expired,
    not_yet_valid,
    another_host,
    another_address,
    self_signed,
    chain_without_authority,
    tls_1_1,
    no_tls,
};
constexpr std::pair<Bad, const char*> bad_ones[] = {{Bad::another_authority, "another_authority"},
                                                    {Bad::expired, "expired"},
                                                    {Bad::not_yet_valid, "not_yet_valid"},
                                                    {Bad::another_host, "another_host"},
                                                    {Bad::another_address, "another_address"},
                                                    {Bad::self_signed, "self_signed"},
                                                    {Bad::chain_without_authority, "signed_by_a_server"},
                                                    {Bad::tls_1_1, "tls_1_1"},
                                                    {Bad::no_tls, "no_tls"}};

http::TlsIdentity identity_of(Bad bad) {
    const auto now = Clock::now();
    switch (bad) {
        case Bad::another_authority:
            return http::make_certificate(http::make_certificate_authority("Somebody else"), {"127.0.0.1"});
        case Bad::expired:
            return of_ours({"127.0.0.1"}, {now - 10 * day, now - day});
        case Bad::not_yet_valid:
            return of_ours({"127.0.0.1"}, {now + day, now + 10 * day});
        case Bad::another_host:
            return of_ours({"api.stripe.com", "localhost"});
        case Bad::another_address:
            return of_ours({"127.0.0.2"});
        case Bad::self_signed: {
            const auto alone = http::make_certificate_authority("127.0.0.1");
            return {alone.certificate_pem, alone.private_key_pem};
        }
        case Bad::chain_without_authority: {
            const auto server = of_ours({"127.0.0.1"});
            auto forged =
                http::make_certificate({server.certificate_pem, server.private_key_pem}, {"127.0.0.1"});
            forged.certificate_pem += server.certificate_pem;
            return forged;
        }
        case Bad::tls_1_1:
        case Bad::no_tls:
            break;
    }
    return good_identity();
}

/// Of what was said on a line: the largest record that may hold what an application says. A handshake has
/// some, too, each of a few bytes.
std::size_t largest_application_record(std::string_view heard) {
    constexpr std::size_t head = 5;
    constexpr char application_data = 23;
    std::size_t largest = 0;
    while (heard.size() >= head) {
        const auto length = (static_cast<std::size_t>(static_cast<unsigned char>(heard[3])) << 8) |
                            static_cast<unsigned char>(heard[4]);
        if (heard[0] == application_data) largest = std::max(largest, length);
        heard.remove_prefix(std::min(head + length, heard.size()));
    }
    return largest;
}

class BadTls : public testing::TestWithParam<std::pair<Bad, const char*>> {
  protected:
    void SetUp() override {
        const Bad bad = GetParam().first;
        if (bad == Bad::no_tls) return town.serve(std::nullopt);
        if (bad != Bad::tls_1_1) return town.serve(identity_of(bad));
        old = std::make_shared<OldServer>(town.io());
        old->serve();
        town.wire().lead_to(old->port());
    }
    void TearDown() override {
        if (old) old->close();
    }
    /// Not one byte of a request was sent to whoever answers there.
    void expect_nothing_sent() {
        const std::string heard = town.wire().heard();
        EXPECT_GT(town.wire().connections(), 0);
        EXPECT_FALSE(heard.empty());
        for (const auto word :
             {std::string_view("POST"), std::string_view("HTTP"), secret_key, std::string_view("tok_visa")})
            EXPECT_THAT(heard, Not(HasSubstr(word)));
        constexpr std::size_t goodbye_bytes = 80;
        EXPECT_LT(largest_application_record(heard), goodbye_bytes);
        for (const Step step :
             {Step::create, Step::capture, Step::list, Step::look_up, Step::cancel, Step::other})
            EXPECT_EQ(town.asked(step), 0);
        if (old) {
            EXPECT_EQ(old->greeted(), 0);
        }
    }

    StripeTown town;
    std::shared_ptr<OldServer> old;
};

TEST_P(BadTls, IsRefusedAndNothingIsSent) {
    Payment payment(town, Scene::create);
    payment.prepare();
    payment.expect_honest(payment.trigger());
    ASSERT_TRUE(town.run_until(payment.id, Payment::is_over)) << town.explain(payment.id);
    expect_nothing_sent();
    EXPECT_GE(town.wire().connections(), 3) << "known not done is tried again";
    const auto said = town.v1("GET", payment.path).body;
    EXPECT_EQ(said.at("phase"), "failed");
    EXPECT_EQ(said.at("legs").at(0).at("refused").at("code"), "provider_unavailable") << said;
    EXPECT_EQ(town.our_ledger(payment.id), "");
    EXPECT_EQ(town.intents_of(payment.id), 0);
    EXPECT_EQ(town.verify(), "");
}

TEST_P(BadTls, GoesOnWhenTheCertificateIsGood) {
    Payment payment(town, Scene::create);
    payment.prepare();
    payment.expect_honest(payment.trigger());
    ASSERT_TRUE(town.run_until(payment.id,
                               [](const Glance& seen) { return seen.transaction.legs.at(0).not_done > 0; }));
    expect_nothing_sent();
    payment.expect_attempting(town.v1("GET", payment.path).body);
    town.serve(good_identity());
    payment.expect_done();
    EXPECT_GT(largest_application_record(town.wire().heard()), 300U) << "as large as a request is";
}

INSTANTIATE_TEST_SUITE_P(Each, BadTls, testing::ValuesIn(bad_ones),
                         [](const auto& given) { return given.param.second; });

class BadTlsLater : public testing::TestWithParam<std::pair<Bad, const char*>> {};

/// The certificate goes bad between the hold and the capture: what is held is captured when it is good again.
TEST_P(BadTlsLater, AHeldPaymentWaits) {
    StripeTown town;
    Payment payment(town, Scene::capture);
    payment.prepare();
    if (HasFatalFailure()) return;
    town.wire().refuse();  // the connections that are there, too
    town.serve(GetParam().first == Bad::no_tls ? std::nullopt : std::optional(identity_of(GetParam().first)));
    town.wire().listen();
    payment.expect_honest(payment.trigger());
    ASSERT_TRUE(town.run_until(payment.id, [](const Glance& seen) {
        return seen.transaction.legs.at(0).not_done >= 4;
    })) << town.explain(payment.id);
    EXPECT_EQ(town.asked(Step::capture), 0);
    payment.expect_attempting(town.v1("GET", payment.path).body);
    town.serve(good_identity());
    payment.expect_done();
    EXPECT_EQ(town.asked(Step::capture), 1);
}
INSTANTIATE_TEST_SUITE_P(Each, BadTlsLater,
                         testing::Values(bad_ones[0], bad_ones[1], bad_ones[3], bad_ones[8]),
                         [](const auto& given) { return given.param.second; });

}  // namespace
}  // namespace kassi::faults
