#include "base/result.hpp"

#include <boost/assert/source_location.hpp>
#include <stdexcept>

namespace kassi {

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
    throw std::logic_error("the value of an error was asked for: " + error.field +
                           (error.field.empty() ? "" : ": ") + error.message + " (" + where.file_name() +
                           ":" + std::to_string(where.line()) + ")");
}

void ensure_failed(const char* what, const char* file, int line) {
    throw std::logic_error(std::string("does not hold: ") + what + " (" + file + ":" + std::to_string(line) +
                           ")");
}

}  // namespace kassi
