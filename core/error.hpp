#pragma once
#include <stdexcept>
#include <string>

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
};

/// "tutorial.cpp:41"
std::string to_string(Where at);

/// Throws Error("OPERATION (FILE:LINE): MESSAGE").
[[noreturn]] void fail(const char* operation, Where at, const std::string& message);

}  // namespace unroll
