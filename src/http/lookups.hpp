#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

/// Internal to this room: client.cpp, and the tests for the limit.
namespace kassi::http {

/// A client's names that are being looked up at the same moment, each with its thread.
inline constexpr std::size_t lookups_at_once_max = 32;

/// Looks up names, each on a thread of its own. The system's resolver blocks, and nobody can cancel it: on
/// one thread for all, a name server that lies dead would keep every other name waiting, and at the end
/// whoever joins that thread. So nobody joins these; one that comes back after stop() finds that nobody waits
/// any more. A name is looked up once at a time, for all who ask. Everything but the resolver is of the io
/// thread.
class Lookups {
  public:
    using Addresses = std::vector<boost::asio::ip::address>;
    /// May block; called from many threads at once.
    using Resolve = std::function<Addresses(const std::string& host, boost::system::error_code& failed)>;
    using Found = std::function<void(const boost::system::error_code& failed, const Addresses& addresses)>;

    Lookups(boost::asio::io_context& io, Resolve resolve);
    ~Lookups() { stop(); }
    Lookups(const Lookups&) = delete;
    Lookups& operator=(const Lookups&) = delete;

    /// `found` comes from the io thread, never from inside this, and not at all after stop(). False: too many
    /// lookups are under way.
    bool begin(const std::string& host, Found found);
    void stop();

  private:
    struct WayBack;
    void came_back(const std::string& host, const boost::system::error_code& failed,
                   const Addresses& addresses);

    boost::asio::io_context& io_;
    const Resolve resolve_;
    std::map<std::string, std::vector<Found>> waiting_;
    std::shared_ptr<WayBack> way_back_;
};

/// The system's resolver: hosts file, name servers, whatever the machine is set up for.
Lookups::Addresses resolve_by_system(const std::string& host, boost::system::error_code& failed);

}  // namespace kassi::http
