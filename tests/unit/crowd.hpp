#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "http/client.hpp"

namespace kassi {

/// Many requests at the same moment, each over a connection of its own; targets are absolute URLs. The
/// answers in the order of the requests, status 0 where none came within a minute.
inline std::vector<HttpResponse> all_at_once(std::vector<HttpRequest> requests) {
    boost::asio::io_context io{1};
    http::ClientOptions options;
    options.loopback_only = true;
    options.open_requests_max = requests.size();
    http::Client client(io, std::move(options));
    std::vector<HttpResponse> answers(requests.size());
    std::size_t left = requests.size();
    for (std::size_t i = 0; i < requests.size(); ++i) {
        answers[i].status = 0;
        client.send(std::move(requests[i]), std::chrono::seconds(60), [&, i](http::Outcome outcome) {
            if (auto* response = std::get_if<HttpResponse>(&outcome)) answers[i] = std::move(*response);
            if (--left == 0) io.stop();
        });
    }
    io.run();
    return answers;
}

}  // namespace kassi
