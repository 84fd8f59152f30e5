#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "http/client.hpp"
#include "http/server.hpp"
#include "http/tls_certificates.hpp"
#include "sockets.hpp"

namespace kassi::http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;
using testing::HasSubstr;
using testing::Not;

/// One authority for all tests of this file.
const CertificateAuthority& authority() {
    static const CertificateAuthority made = make_certificate_authority("Kassi test authority");
    return made;
}

void echo(HttpRequest request, const Reply& reply) {
    HttpResponse response;
    response.body = request.method + " " + request.target + " " + request.body;
    reply(std::move(response));
}

ServerOptions with(TlsIdentity identity) {
    ServerOptions options;
    options.tls = std::move(identity);
    return options;
}

ClientOptions trusting(const CertificateAuthority& trusted) {
    ClientOptions options;
    options.trusted_certificates_pem = trusted.certificate_pem;
    options.loopback_only = true;
    return options;
}

std::string secure_url(const RunningServer& server, const std::string& host) {
    return "https://" + host + ":" + std::to_string(server.port()) + "/";
}

TEST(Tls, NamesAndAddressesThatTheCertificateIsFor) {
    const RunningServer server(
        echo, with(make_certificate(authority(), {"shop.localhost", "*.pay.localhost", "127.0.0.1"})));
    RunningClient client(trusting(authority()));
    for (const std::string host : {"shop.localhost", "SHOP.localhost", "a.pay.localhost", "127.0.0.1"}) {
        const auto outcome = client.get(secure_url(server, host));
        EXPECT_EQ(body_of(outcome), "GET / ") << host << ": " << why_of(outcome);
    }
    for (const std::string host : {"other.localhost", "localhost", "a.b.pay.localhost"}) {
        const auto outcome = client.get(secure_url(server, host));
        EXPECT_TRUE(unanswered(outcome, false)) << host;
        EXPECT_THAT(why_of(outcome), HasSubstr("certificate was refused")) << host;
    }
}

TEST(Tls, AnotherAddressThanTheCertificates) {
    const RunningServer server(echo, with(make_certificate(authority(), {"127.0.0.2", "localhost"})));
    RunningClient client(trusting(authority()));
    const auto outcome = client.get(secure_url(server, "127.0.0.1"));
    EXPECT_TRUE(unanswered(outcome, false));
    EXPECT_THAT(why_of(outcome), HasSubstr("certificate was refused"));
}

TEST(Tls, AnyOfItsNamesWillDo) {
    const RunningServer server(echo,
                               with(make_certificate(authority(), {"first.localhost", "second.localhost"})));
    RunningClient client(trusting(authority()));
    EXPECT_EQ(status_of(client.get(secure_url(server, "second.localhost"))), 200);
    EXPECT_TRUE(unanswered(client.get(secure_url(server, "127.0.0.1")), false));
}

TEST(Tls, AnAuthorityThatNobodyTrusts) {
    std::atomic<int> visits = 0;
    const RunningServer server(
        [&](HttpRequest request, const Reply& reply) {
            ++visits;
            echo(std::move(request), reply);
        },
        with(make_certificate(make_certificate_authority("Somebody else"), {"127.0.0.1"})));
    RunningClient client(trusting(authority()));
    const auto outcome = client.send({"POST", secure_url(server, "127.0.0.1"), {}, "money", ""});
    EXPECT_TRUE(unanswered(outcome, false)) << why_of(outcome);
    RunningClient system_store;
    EXPECT_TRUE(unanswered(system_store.get(secure_url(server, "127.0.0.1")), false));
    EXPECT_EQ(visits, 0);
}

TEST(Tls, CertificatesOutOfTheirTime) {
    const auto now = system_clock::now();
    const std::chrono::hours day(24);
    RunningClient client(trusting(authority()));
    for (const Validity& validity :
         {Validity{now - 10 * day, now - day}, Validity{now + day, now + 10 * day}}) {
        const RunningServer server(echo, with(make_certificate(authority(), {"127.0.0.1"}, validity)));
        const auto outcome = client.get(secure_url(server, "127.0.0.1"));
        EXPECT_TRUE(unanswered(outcome, false));
        EXPECT_THAT(why_of(outcome), HasSubstr(validity.until < now ? "expired" : "not yet valid"));
    }
}

TEST(Tls, ALeafIsNoAuthority) {
    const auto leaf = make_certificate(authority(), {"127.0.0.1"});
    const CertificateAuthority upstart{leaf.certificate_pem, leaf.private_key_pem};
    auto forged = make_certificate(upstart, {"127.0.0.1"});
    forged.certificate_pem += leaf.certificate_pem;
    const RunningServer server(echo, with(std::move(forged)));
    RunningClient client(trusting(authority()));
    EXPECT_TRUE(unanswered(client.get(secure_url(server, "127.0.0.1")), false));
}

TEST(Tls, APlainServerIsNoTlsServer) {
    const RunningServer server(echo);
    RunningClient client(trusting(authority()));
    const auto outcome = client.send({"POST", secure_url(server, "127.0.0.1"), {}, "money", ""});
    EXPECT_TRUE(unanswered(outcome, false)) << why_of(outcome);
    EXPECT_THAT(why_of(outcome), HasSubstr("TLS handshake failed"));
}

TEST(Tls, LargeBodiesBothWaysAndKeptConnections) {
    const RunningServer server(
        [](const HttpRequest& request, const Reply& reply) {
            HttpResponse response;
            response.body = request.body;
            reply(std::move(response));
        },
        with(make_certificate(authority(), {"pay.example"})));
    std::atomic<int> connections = 0;  // each looks up the name
    auto options = trusting(authority());
    options.resolve = [&](const std::string&, boost::system::error_code&) {
        ++connections;
        return std::vector<boost::asio::ip::address>{boost::asio::ip::address_v4::loopback()};
    };
    RunningClient client(options);
    for (const std::size_t size : {10u, 15'000u, 1'000'000u, 0u, 5u}) {
        const std::string body(size, 'b');
        const auto outcome = client.send({"POST", secure_url(server, "pay.example"), {}, body, ""});
        ASSERT_EQ(status_of(outcome), 200) << why_of(outcome);
        EXPECT_EQ(body_of(outcome), body);
    }
    EXPECT_EQ(connections, 1);
}

TEST(Tls, OneConnectionTooManyIsToldSo) {
    auto options = with(make_certificate(authority(), {"127.0.0.1"}));
    options.connections_max = 1;
    std::vector<Reply> waiting;
    RunningServer server([&](const HttpRequest&, Reply reply) { waiting.push_back(std::move(reply)); },
                         std::move(options));
    RunningClient first(trusting(authority()));
    RunningClient second(trusting(authority()));
    auto busy = first.start({"GET", secure_url(server, "127.0.0.1"), {}, "", ""});
    ASSERT_TRUE(server.io.wait_until([&] { return !waiting.empty(); }));
    EXPECT_EQ(status_of(second.get(secure_url(server, "127.0.0.1"))), 503);
    server.io.run([&] { waiting.front()({}); });
    EXPECT_EQ(status_of(busy.get()), 200);
}

TEST(Tls, ABodyOverTheLimitIsAnswered) {
    auto options = with(make_certificate(authority(), {"127.0.0.1"}));
    options.body_bytes_max = 1000;
    const RunningServer server(echo, std::move(options));
    RunningClient client(trusting(authority()));
    const std::string body(2'000'000, 'b');
    EXPECT_EQ(status_of(client.send({"POST", secure_url(server, "127.0.0.1"), {}, body, ""})), 413);
}

TEST(Tls, APooledConnectionThatTheServerClosedIsNotUsed) {
    auto options = with(make_certificate(authority(), {"127.0.0.1"}));
    RunningServer server(echo, std::move(options));
    RunningClient client(trusting(authority()));
    EXPECT_EQ(status_of(client.get(secure_url(server, "127.0.0.1"))), 200);
    Gate stopped;
    server.server().stop(milliseconds(5000), [&] { stopped.open(); });
    ASSERT_TRUE(stopped.wait());
    const auto outcome = client.send({"POST", secure_url(server, "127.0.0.1"), {}, "money", ""});
    EXPECT_TRUE(unanswered(outcome, false)) << why_of(outcome);  // a fresh connection, and nobody listens
}

/// Shakes hands with at most `version`, sends a TLS record a piece, all in one go, and returns the answer; ""
/// when it is refused.
std::string speak(unsigned short port, int version, const std::vector<std::string>& pieces) {
    std::string answer;
    auto connection = RawConnection::to_port(port);
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);  // else OpenSSL itself would not offer the old ones
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, version);
    SSL* ssl = SSL_new(context);
    BIO* socket = BIO_new_socket(connection.descriptor(), BIO_NOCLOSE);
    BIO_up_ref(socket);
    BIO* gathered = BIO_push(BIO_new(BIO_f_buffer()), socket);
    SSL_set_bio(ssl, socket, gathered);
    bool written = SSL_connect(ssl) == 1;
    for (const auto& piece : pieces) {
        written = written && SSL_write(ssl, piece.data(), static_cast<int>(piece.size())) > 0;
    }
    if (written && BIO_flush(gathered) == 1) {
        char bytes[4096];
        for (int count = 0; (count = SSL_read(ssl, bytes, sizeof bytes)) > 0;) {
            answer.append(bytes, static_cast<std::size_t>(count));
        }
        if (SSL_get_error(ssl, 0) != SSL_ERROR_ZERO_RETURN) answer += "TRUNCATED";
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    return answer;
}

TEST(Tls, VersionsFromOneTwoOn) {
    const RunningServer server(echo, with(make_certificate(authority(), {"127.0.0.1"})));
    const std::string request = "GET /v HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto answer = speak(server.port(), version, {request});
        EXPECT_THAT(answer, HasSubstr("GET /v "));
        EXPECT_THAT(answer, Not(HasSubstr("TRUNCATED")));  // says goodbye before it closes
    }
    EXPECT_EQ(speak(server.port(), TLS1_1_VERSION, {request}), "");
}

TEST(Tls, StopAnswersWhatOpenSslHasReadAlready) {
    // Two requests in two records that arrive together. With the first, the server takes both from the
    // socket.
    Server* stopping = nullptr;
    Gate stopped;
    RunningServer server(
        [&](HttpRequest request, const Reply& reply) {
            const bool is_first = request.target == "/first";
            echo(std::move(request), reply);
            if (is_first) stopping->stop(std::chrono::seconds(patience_seconds), [&] { stopped.open(); });
        },
        with(make_certificate(authority(), {"127.0.0.1"})));
    stopping = &server.server();
    const std::string between = " HTTP/1.1\r\nHost: x\r\n\r\n";
    const auto answer =
        speak(server.port(), TLS1_3_VERSION, {"GET /first" + between, "GET /second" + between});
    EXPECT_THAT(answer, HasSubstr("GET /first "));
    EXPECT_THAT(answer, HasSubstr("GET /second "));
    EXPECT_THAT(answer, Not(HasSubstr("TRUNCATED")));
    EXPECT_TRUE(stopped.wait());
}

TEST(Tls, ASlowRequestIsAnswered) {
    auto options = with(make_certificate(authority(), {"127.0.0.1"}));
    options.read_timeout = milliseconds(700);
    const RunningServer server(echo, std::move(options));
    EXPECT_THAT(speak(server.port(), TLS1_3_VERSION, {"GET / HT"}), HasSubstr("HTTP/1.1 408 "));
    auto silent = RawConnection::to_port(server.port());
    EXPECT_TRUE(silent.ended());  // no hello in time
}

TEST(Tls, AnIdentityThatCannotBeUsedIsRefusedAtStart) {
    boost::asio::io_context io;
    const auto good = make_certificate(authority(), {"127.0.0.1"});
    const auto other = make_certificate(authority(), {"127.0.0.1"});
    for (const auto& bad : {TlsIdentity{"no certificate", good.private_key_pem},
                            TlsIdentity{good.certificate_pem, Secret<>("no key")},
                            TlsIdentity{good.certificate_pem, other.private_key_pem}}) {
        EXPECT_THROW(Server(io, with(bad), echo), std::runtime_error);
    }
}

// ---- clients with a certificate

/// Answers with what the server saw of the client's certificate.
void show_certificate(const HttpRequest& request, const Reply& reply) {
    HttpResponse response;
    int times = 0;
    for (const auto& [name, value] : request.headers)
        times += same_header_name(name, client_certificate_header) ? 1 : 0;
    response.body = std::to_string(times) + " " + std::string(request.header(client_certificate_header));
    reply(std::move(response));
}

ServerOptions asking_for(const CertificateAuthority& clients) {
    auto options = with(make_certificate(authority(), {"127.0.0.1"}));
    options.client_authority_pem = clients.certificate_pem;
    return options;
}

ClientOptions showing(TlsIdentity identity) {
    auto options = trusting(authority());
    options.identity = std::move(identity);
    return options;
}

/// What stands between the lines of a PEM file.
std::string base64_of(std::string pem) {
    pem = pem.substr(pem.find('\n'));
    pem = pem.substr(0, pem.find("-----"));
    std::erase(pem, '\n');
    return pem;
}

TEST(ClientCertificate, IsShownAndSeen) {
    const auto clients = make_certificate_authority("Clients");
    const auto identity = make_client_certificate(clients, "shop.example");
    const RunningServer server(show_certificate, asking_for(clients));
    RunningClient client(showing(identity));
    for (int round = 0; round < 2; ++round) {  // the second on the same connection
        const auto outcome = client.get(secure_url(server, "127.0.0.1"));
        ASSERT_EQ(status_of(outcome), 200) << why_of(outcome);
        EXPECT_EQ(body_of(outcome), "1 " + base64_of(identity.certificate_pem));
    }
}

TEST(ClientCertificate, OfARequestIsNotBelieved) {
    const auto clients = make_certificate_authority("Clients");
    const auto identity = make_client_certificate(clients, "shop.example");
    const RunningServer server(show_certificate, asking_for(clients));
    RunningClient client(showing(identity));
    const auto outcome =
        client.send({"GET", secure_url(server, "127.0.0.1"), {{"x-client-CERTIFICATE", "somebody"}}, "", ""});
    EXPECT_EQ(body_of(outcome), "1 " + base64_of(identity.certificate_pem)) << why_of(outcome);
}

TEST(ClientCertificate, WithoutAGoodOneThereIsNoHttp) {
    const auto clients = make_certificate_authority("Clients");
    const auto now = system_clock::now();
    const std::chrono::hours day(24);
    std::atomic<int> visits = 0;
    const RunningServer server(
        [&](const HttpRequest& request, const Reply& reply) {
            ++visits;
            show_certificate(request, reply);
        },
        asking_for(clients));
    const std::vector<std::pair<std::string, ClientOptions>> refused{
        {"none", trusting(authority())},
        {"of another authority",
         showing(make_client_certificate(make_certificate_authority("Clients"), "shop.example"))},
        {"expired", showing(make_client_certificate(clients, "shop.example", {now - 9 * day, now - day}))},
        {"not yet", showing(make_client_certificate(clients, "shop.example", {now + day, now + 9 * day}))},
        {"a server's", showing(make_certificate(clients, {"shop.example"}))}};
    for (const auto& [what, options] : refused) {
        RunningClient client(options);
        const auto outcome = client.get(secure_url(server, "127.0.0.1"));
        EXPECT_EQ(status_of(outcome), 0) << what;
        EXPECT_THAT(why_of(outcome), HasSubstr("connection")) << what;
    }
    EXPECT_EQ(visits, 0);
}

TEST(ClientCertificate, GoesToServersThatDoNotAskForNothing) {
    const RunningServer server(show_certificate, with(make_certificate(authority(), {"127.0.0.1"})));
    RunningClient client(
        showing(make_client_certificate(make_certificate_authority("Clients"), "shop.example")));
    EXPECT_EQ(body_of(client.get(secure_url(server, "127.0.0.1"))), "0 ");
}

TEST(ClientCertificate, ThatCannotBeUsedIsRefusedAtStart) {
    boost::asio::io_context io;
    const auto clients = make_certificate_authority("Clients");
    const auto good = make_client_certificate(clients, "a");
    const auto other = make_client_certificate(clients, "b");
    for (const auto& bad : {TlsIdentity{"no certificate", good.private_key_pem},
                            TlsIdentity{good.certificate_pem, Secret<>("no key")},
                            TlsIdentity{good.certificate_pem, other.private_key_pem}}) {
        EXPECT_THROW(Client(io, showing(bad)), std::runtime_error);
    }
    auto nobody = asking_for({"no certificate", Secret<>("no key")});
    EXPECT_THROW(Server(io, std::move(nobody), echo), std::runtime_error);
}

TEST(Certificates, NeedAName) {
    EXPECT_THROW(make_certificate(authority(), {}), std::runtime_error);
}

TEST(Certificates, NeedAnAuthority) {
    EXPECT_THROW(make_certificate({"no certificate", Secret<>("no key")}, {"localhost"}), std::runtime_error);
}

}  // namespace
}  // namespace kassi::http::test
