#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/optional.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

/// Internal to this room.
namespace kassi::http {

/// A body for Beast's parsers that takes memory as the bytes come, and not as they are announced: who
/// announces much may never send it. Never more than was announced, and never more than twice what came.
struct GrowingBody {
    using value_type = std::string;
    class reader {
      public:
        template <class Header>
        reader(Header&, value_type& body) : body_(body) {}
        void init(const boost::optional<std::uint64_t>& length, boost::system::error_code& ec) {
            if (length) announced_ = static_cast<std::size_t>(*length);
            ec = {};
        }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, boost::system::error_code& ec) {
            const std::size_t before = body_.size();
            const auto end = boost::asio::buffer_sequence_end(buffers);
            for (auto each = boost::asio::buffer_sequence_begin(buffers); each != end; ++each) {
                const boost::asio::const_buffer piece = *each;
                make_room(body_.size() + piece.size());
                body_.append(static_cast<const char*>(piece.data()), piece.size());
            }
            ec = {};
            return body_.size() - before;
        }
        void finish(boost::system::error_code& ec) { ec = {}; }

      private:
        /// Not by reserve(), which takes twice what there was whenever it takes more.
        void make_room(std::size_t needed) {
            if (needed <= body_.capacity()) return;
            const std::size_t twice = 2 * body_.capacity();
            value_type larger;
            larger.reserve(std::max(needed, announced_ == 0 ? twice : std::min(twice, announced_)));
            larger.append(body_);
            body_.swap(larger);
        }

        value_type& body_;
        std::size_t announced_ = 0;  ///< 0: it comes in chunks, or until the end
    };
};

}  // namespace kassi::http
