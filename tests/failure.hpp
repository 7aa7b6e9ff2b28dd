#pragma once
#include <fmt/format.h>

#include <string>

#include "core/error.hpp"

/// The message of the Error that f throws, "" where it throws none. Where the message names the line that this is
/// called in,
/// "(HERE)" stands for it: CHECK(failure([&] { matmul(x, W); }) == "matmul (HERE): inner sizes differ: ..").
template <class F>
std::string failure(F f, unroll::Where at = {}) {
    try {
        f();
    } catch (const unroll::Error& e) {
        std::string message = e.what();
        const std::string here = fmt::format("({})", to_string(at));
        const size_t i = message.find(here);
        return i == std::string::npos ? message : message.replace(i, here.size(), "(HERE)");
    }
    return "";
}
