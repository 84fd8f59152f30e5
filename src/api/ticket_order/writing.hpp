#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/ticket_order/jsv.hpp"
#include "api/ticket_order/routes.hpp"
#include "api/ticket_order/types.hpp"
#include "base/json.hpp"

/// A type with each_member() as JSON or JSV: camelCase names in its order, what is null left out, defaults
/// kept. There is no way to print a Secret.
namespace kassi::api::ticket_order {
namespace writing {

// The few things in which the two writers differ.
inline void write(JsonWriter& out, const Date& value) {
    out.string(json_date(value));
}
inline void write(JsvWriter& out, const Date& value) {
    out.raw(jsv_date(value));
}

template <class Writer>
void write(Writer& out, std::int32_t value) {
    out.integer(value);
}
template <class Writer>
void write(Writer& out, std::int64_t value) {
    out.integer(value);
}
template <class Writer>
void write(Writer& out, bool value) {
    out.boolean(value);
}
template <class Writer>
void write(Writer& out, const std::string& value) {
    out.string(value);
}
template <class Writer>
void write(Writer& out, const Decimal& value) {
    out.raw(value.text());
}
template <class Writer, class T>
void write(Writer& out, const std::vector<T>& list);

template <class Writer, class T>
void write(Writer& out, const T& object);

/// A member: nothing at all of what is null.
template <class Writer>
struct MemberWriter {
    Writer& out;

    template <class T>
    void operator()(std::string_view name, const T& member) const {
        write(out.key(name), member);
    }
    template <class T>
    void operator()(std::string_view name, const std::optional<T>& member) const {
        if (member) write(out.key(name), *member);
    }
};

template <class Writer, class T>
void write(Writer& out, const T& object) {
    out.begin_object();
    const MemberWriter<Writer> members{out};
    each_member(members, object);
    out.end_object();
}

template <class Writer, class T>
void write(Writer& out, const std::vector<T>& list) {
    out.begin_array();
    for (const auto& item : list) write(out, item);
    out.end_array();
}

}  // namespace writing

template <class T>
std::string print_object(const T& object, Format format) {
    const auto written = [&object](auto out) {
        writing::write(out, object);
        return out.take();
    };
    switch (format) {
        case Format::json:
            return written(JsonWriter());
        case Format::jsv:
            return written(JsvWriter());
    }
    return "";
}

}  // namespace kassi::api::ticket_order
