#include "http/lookups.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace kassi::http {

namespace asio = boost::asio;
using boost::system::error_code;

/// From a thread that may outlive the client and its io_context. Written on the io thread only, which may
/// therefore read it without the mutex.
struct Lookups::WayBack {
    std::mutex mutex;
    Lookups* lookups;  ///< nullptr: nobody waits any more
};

Lookups::Lookups(asio::io_context& io, Resolve resolve)
    : io_(io), resolve_(std::move(resolve)), way_back_(std::make_shared<WayBack>()) {
    way_back_->lookups = this;
}

bool Lookups::begin(const std::string& host, Found found) {
    if (const auto under_way = waiting_.find(host); under_way != waiting_.end()) {
        under_way->second.push_back(std::move(found));
        return true;
    }
    if (waiting_.size() >= lookups_at_once_max) return false;
    try {
        std::thread([host, resolve = resolve_, way_back = way_back_] {
            error_code failed;
            Addresses addresses;
            try {
                addresses = resolve(host, failed);
            } catch (...) {
                // Nobody is above this thread: it would take the process along.
                failed = asio::error::no_recovery;
            }
            const std::lock_guard lock(way_back->mutex);
            if (way_back->lookups == nullptr) return;
            asio::post(way_back->lookups->io_, [host, failed, addresses = std::move(addresses), way_back] {
                if (way_back->lookups != nullptr) way_back->lookups->came_back(host, failed, addresses);
            });
        }).detach();
    } catch (const std::system_error&) {
        return false;  // the machine has no thread left
    }
    waiting_[host].push_back(std::move(found));
    return true;
}

void Lookups::came_back(const std::string& host, const error_code& failed, const Addresses& addresses) {
    const auto waited = waiting_.extract(host);
    if (waited.empty()) return;
    for (const auto& found : waited.mapped()) found(failed, addresses);
}

void Lookups::stop() {
    {
        const std::lock_guard lock(way_back_->mutex);
        way_back_->lookups = nullptr;
    }
    waiting_.clear();
}

Lookups::Addresses resolve_by_system(const std::string& host, error_code& failed) {
    asio::io_context never_run;
    asio::ip::tcp::resolver resolver(never_run);
    Lookups::Addresses addresses;
    for (const auto& entry : resolver.resolve(host, "", failed)) {
        addresses.push_back(entry.endpoint().address());
    }
    return addresses;
}

}  // namespace kassi::http
