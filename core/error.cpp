#include "core/error.hpp"

#include <nlohmann/json.hpp>
#include <string_view>

namespace unroll {

std::string in_quotes(const std::string& text) {
    using nlohmann::json;
    const std::string quoted = json(text).dump(-1, ' ', true, json::error_handler_t::replace);
    return quoted.size() <= 80 ? quoted : quoted.substr(0, 76) + "...\"";
}

std::string to_string(Where at) {
    std::string_view file = at.file;
    file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0: a name without folders stays as it is
    return fmt::format("{}:{}", file, at.line);
}

void fail(const char* operation, Where at, const std::string& message) {
    throw Error("{} ({}): {}", operation, to_string(at), message);
}

}  // namespace unroll
