#include "engine/directory.hpp"

#include <algorithm>

namespace kassi::engine {
namespace {

template <class T>
const T* by_name(const std::vector<T>& all, std::string_view name) {
    const auto found =
        std::find_if(all.begin(), all.end(), [name](const T& each) { return each.name == name; });
    return found == all.end() ? nullptr : &*found;
}

}  // namespace

const System* Directory::system(std::string_view name) const {
    return by_name(systems, name);
}
const Caller* Directory::caller(std::string_view name) const {
    return by_name(callers, name);
}
const Source* Directory::source(std::string_view code) const {
    const auto found = std::find_if(sources.begin(), sources.end(),
                                    [code](const Source& each) { return each.code == code; });
    return found == sources.end() ? nullptr : &*found;
}
std::vector<std::string> Directory::ways(const Caller& caller, std::string_view source) const {
    auto found = caller.ways.find(std::string(source));
    if (found == caller.ways.end()) found = caller.ways.find("*");
    return found == caller.ways.end() ? std::vector<std::string>{} : found->second;
}

}  // namespace kassi::engine
