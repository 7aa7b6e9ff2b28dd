#pragma once
#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace unroll {

/// The line that called: taken as a last parameter `Where at = {}`, it is filled in at the reader's call.
struct Where {
    const char* file;
    int line;
    constexpr Where(const char* file = __builtin_FILE(), int line = __builtin_LINE()) : file(file), line(line) {}
};

/// Wrong use of the library, or a file that can't be read. what() is one line.
class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
    /// Error("{}: ends {} bytes too early", path, n)
    template <class A, class... More>
    Error(fmt::format_string<A, More...> message, A&& value, More&&... more)
        : std::runtime_error(fmt::format(message, std::forward<A>(value), std::forward<More>(more)...)) {}
};

/// What a file says, for messages: in quotes, escaped so that it can't break the line, and shortened.
std::string in_quotes(const std::string& text);

/// "tutorial.cpp:41"
std::string to_string(Where at);

/// Throws Error("OPERATION (FILE:LINE): MESSAGE").
[[noreturn]] void fail(const char* operation, Where at, const std::string& message);
/// The same with values put into it: fail("steps", at, "T is {}, expected 0 or more", T).
template <class A, class... More>
[[noreturn]] void fail(const char* operation, Where at, fmt::format_string<A, More...> message, A&& value,
                       More&&... more) {
    fail(operation, at, fmt::format(message, std::forward<A>(value), std::forward<More>(more)...));
}

}  // namespace unroll
