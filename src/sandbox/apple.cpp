#include "sandbox/apple.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "base/http_message.hpp"
#include "base/json.hpp"
#include "http/tls_certificates.hpp"
#include "sandbox/data_folder.hpp"

namespace kassi::sandbox {
namespace {

namespace fs = std::filesystem;
using apple::AppleWorld;
using apple::Paper;
using apple::Papers;

constexpr std::string_view file_name = "apple.json";
constexpr std::string_view association =
    "Kassi sandbox. Apple's own file stands here, where a shop is registered with Apple.\n";

void write_paper(JsonWriter& out, std::string_view name, const Paper& paper) {
    out.key(name).begin_object().field("certificate", paper.certificate_pem);
    out.field("key", paper.key_pem.reveal()).end_object();
}

std::string written(const AppleTown& town) {
    JsonWriter out;
    out.begin_object().field("world", town.world.pem().reveal());
    write_paper(out, "processing_ec", town.papers.processing_ec);
    write_paper(out, "processing_rsa", town.papers.processing_rsa);
    write_paper(out, "identity", town.papers.identity);
    out.end_object();
    return out.take();
}

Paper read_paper(const nlohmann::json& body, const char* name) {
    const auto& paper = body.at(name);
    return {paper.at("certificate").get<std::string>(), Secret<>(paper.at("key").get<std::string>())};
}

AppleTown read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    const auto fail = [&](const std::string& why) {
        return std::runtime_error(file.string() + " is not understood: " + why);
    };
    const auto body = parse_json(text.str());
    if (!in || !body) throw fail(body ? "it cannot be read" : body.error().message);
    try {
        auto world = AppleWorld::read(body->at("world").get<std::string>(), "world");
        if (!world) throw fail(world.error().message);
        return {std::move(*world),
                {std::string(demo_merchant_identifier), read_paper(*body, "processing_ec"),
                 read_paper(*body, "processing_rsa"), read_paper(*body, "identity")}};
    } catch (const nlohmann::json::exception&) {
        throw fail("a member is missing");  // the library's words may show what is in there
    }
}

}  // namespace

AppleTown apple_town(const fs::path& folder, Instant now) {
    const auto file = folder / file_name;
    if (fs::exists(file)) return read(file);
    auto world = AppleWorld::make(now);
    auto papers = world.issue(std::string(demo_merchant_identifier), now);
    AppleTown town{std::move(world), std::move(papers)};
    write_private(file, written(town));
    return town;
}

GatewayTls gateway_tls() {
    const auto authority = http::make_certificate_authority("Simulated authority of the sandbox's gateway");
    return {authority.certificate_pem, http::make_certificate(authority, {"127.0.0.1", "localhost"})};
}

std::shared_ptr<const providers::apple_pay::Shop> demo_shop(const AppleTown& town, std::string_view gateway,
                                                            std::string_view simulators,
                                                            std::string_view kassi) {
    const auto& papers = town.papers;
    auto shop = std::make_shared<providers::apple_pay::Shop>();
    shop->name = demo_shop_name;
    shop->display_name = "Demo shop";
    shop->country = "IS";
    const auto url = parse_url(kassi, "public_url");
    shop->domains = {url ? url->host : std::string("127.0.0.1")};
    shop->gateway_url = gateway;
    shop->identity_certificate_pem = papers.identity.certificate_pem;
    shop->identity_key_pem = papers.identity.key_pem;
    shop->domain_association = association;
    shop->stand_in_script = std::string(simulators) + "/apple/stand-in.js";
    providers::apple_pay::Options options;
    options.merchant_identifier = demo_merchant_identifier;
    options.root_pem = town.world.root_pem();
    for (const auto* paper : {&papers.processing_ec, &papers.processing_rsa})
        options.keys.push_back({paper->certificate_pem, paper->key_pem});
    auto verifier = providers::apple_pay::Verifier::make(std::move(options));
    if (!verifier) throw std::runtime_error(verifier.error().field + " " + verifier.error().message);
    shop->verifier = std::move(*verifier);
    return shop;
}

}  // namespace kassi::sandbox
