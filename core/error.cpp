#include "core/error.hpp"

#include <string_view>

namespace unroll {

std::string to_string(Where at) {
    std::string_view file = at.file;
    file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0: a name without folders stays as it is
    return fmt::format("{}:{}", file, at.line);
}

void fail(const char* operation, Where at, const std::string& message) {
    throw Error("{} ({}): {}", operation, to_string(at), message);
}

}  // namespace unroll
