#include "service/apple_shop.hpp"

#include <algorithm>
#include <set>

#include "base/encoding.hpp"
#include "base/http_message.hpp"
#include "http/address_policy.hpp"
#include "http/tls_check.hpp"
#include "providers/credentials/apple_pay_identity.hpp"
#include "providers/credentials/apple_pay_session.hpp"

namespace kassi::service {
namespace {

namespace apple_pay = providers::apple_pay;

bool is_loopback(const std::string& host) {
    if (host == "localhost" || host.ends_with(".localhost")) return true;
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(host, ec);
    return !ec && http::is_loopback_address(address);
}

class Check {
  public:
    Check(ShopRead& read, engine::Mode mode, const std::string& public_url)
        : read_(read), shop_(read.shop), live_(mode == engine::Mode::live), public_url_(public_url) {}

    ShopFaults run() {
        check_name();
        check_gateway();
        check_domains();
        check_identity();
        make_verifier();
        return std::move(faults_);
    }

  private:
    void fault(std::string key, std::string why) { faults_.emplace_back(std::move(key), std::move(why)); }

    void check_name() {
        const auto& name = shop_.display_name;
        const auto characters = static_cast<std::size_t>(
            std::count_if(name.begin(), name.end(), [](char c) { return (c & '\xc0') != '\x80'; }));
        const bool has_control = std::any_of(name.begin(), name.end(), [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
        });
        if (name.empty() || characters > apple_pay::display_name_characters_max || !encoding::is_utf8(name) ||
            has_control)
            fault("display_name", "must be 1 to 64 characters, without control characters");
        if (shop_.country.size() != 2 ||
            shop_.country.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos)
            fault("country", "must be two upper-case letters (ISO 3166)");
    }

    void check_gateway() {
        const auto& url = shop_.gateway_url;
        if (apple_pay::is_live_gateway(url)) return;
        if (apple_pay::is_test_gateway(url)) {
            if (live_ && !read_.test_gateway)
                fault("gateway",
                      "is Apple's sandbox: in live mode it would take no real money (say test_gateway = true "
                      "where nothing real is sold)");
            return;
        }
        const auto parsed = parse_url(url, "gateway");
        const bool ours = !live_ && parsed && parsed->scheme == "https" && is_loopback(parsed->host) &&
                          parsed->origin() == url;
        if (!ours)
            fault("gateway", std::string("must be exactly one of Apple's gateways (") +
                                 std::string(apple_pay::production_gateway) + ", " +
                                 std::string(apple_pay::china_gateway) + ", " +
                                 std::string(apple_pay::test_gateway) + ")" +
                                 (live_ ? "" : ", or https on a loopback address"));
    }

    void check_domains() {
        std::set<std::string> seen;
        for (const auto& domain : shop_.domains) {
            const auto url = parse_url("https://" + domain + "/", "domains");
            const bool plain = url && url->host == domain && url->target == "/" &&
                               domain.find_first_of(":/?#@[]") == std::string::npos;
            if (!plain || domain.size() > domain_bytes_max)
                fault("domains", "\"" + domain.substr(0, domain_bytes_max) +
                                     "\" is not a host in lower case, without scheme, port and path");
            else if (live_ && !is_public_name(domain))
                fault("domains", "\"" + domain + "\" is no name on the public internet, as Apple wants one");
            else if (!seen.insert(domain).second)
                fault("domains", "names \"" + domain + "\" twice");
        }
        if (shop_.domains.empty() || shop_.domains.size() > apple_domains_max)
            return fault("domains", "must name 1 to " + std::to_string(apple_domains_max) + " hosts");
        const auto ours = parse_url(public_url_, "public_url");
        if (ours && shop_.domains.front() != ours->host)
            fault("domains", "must begin with the host of public_url, where our own page has the button");
    }

    static bool is_public_name(const std::string& domain) {
        boost::system::error_code ec;
        boost::asio::ip::make_address(domain, ec);
        return ec && !is_loopback(domain) && domain.find('.') != std::string::npos;
    }

    void check_identity() {
        const http::TlsIdentity identity{shop_.identity_certificate_pem, shop_.identity_key_pem};
        if (identity.certificate_pem.empty() || identity.private_key_pem.empty()) return;  // said before
        if (const auto why = http::refusal_of_certificate(identity.certificate_pem))
            return fault("identity_certificate", "the file " + *why);
        if (const auto why =
                apple_pay::refusal_of_identity(identity.certificate_pem, read_.verifier.merchant_identifier))
            fault("identity_certificate", "the file " + *why);
        if (const auto why = http::refusal_of_key(identity)) fault("identity_key", "the key " + *why);
    }

    void make_verifier() {
        auto verifier = apple_pay::Verifier::make(read_.verifier);
        if (!verifier) {
            auto key = verifier.error().field;
            for (const std::string_view from : {"keys", "exponents"}) {
                if (!key.starts_with(from)) continue;
                key = (from == "keys" ? "processing" : "amount_places") + key.substr(from.size());
            }
            return fault(key, verifier.error().message);
        }
        if (live_ && !(*verifier)->trusts_only_apple())
            return fault("root", "is not Apple Root CA - G3: live mode trusts no other");
        shop_.verifier = std::move(*verifier);
    }

    ShopRead& read_;
    apple_pay::Shop& shop_;
    bool live_;
    const std::string& public_url_;
    ShopFaults faults_;
};

}  // namespace

ShopFaults complete(ShopRead& read, engine::Mode mode, const std::string& public_url) {
    return Check(read, mode, public_url).run();
}

}  // namespace kassi::service
