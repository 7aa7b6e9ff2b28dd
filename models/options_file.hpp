#pragma once
#include <cstdlib>
#include <map>
#include <string>

#include "nn/checkpoint.hpp"

/// A model's options in its checkpoint, each number under its name. each(f) calls f(name, option) for all of them.
namespace unroll {

template <class Each>
std::map<std::string, std::string> options_as_text(Each each) {
    std::map<std::string, std::string> numbers;
    each([&](const char* name, auto value) { numbers[name] = fmt::format("{}", double(value)); });
    return numbers;
}

/// Throws Error("PATH: no checkpoint of a MODEL: ..").
template <class Each>
void load_options(const std::string& path, const char* model, Each each) {
    const auto numbers = load_configuration(path);
    each([&](const char* name, auto& value) {
        const auto found = numbers.find(name);
        char* end = nullptr;  // strtod: libc++ 14 has no from_chars for double
        const double number = found == numbers.end() ? 0 : std::strtod(found->second.c_str(), &end);
        if (end == nullptr || end == found->second.c_str() || *end != 0)
            throw Error("{}: no checkpoint of a {}: its {} is missing or no number", path, model, name);
        value = static_cast<std::decay_t<decltype(value)>>(number);
    });
}

}  // namespace unroll
