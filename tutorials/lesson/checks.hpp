#pragma once
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>

#include "tutorials/lesson/text.hpp"

/// What the programs' options take; anything else is said in one line.
namespace unroll::lesson {

/// A whole number in lowest .. highest.
inline CLI::Validator whole_number(int64_t lowest, int64_t highest) {
    const auto check = [=](const std::string& text) -> std::string {
        int64_t number = 0;
        const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc() && last == text.data() + text.size() && number >= lowest && number <= highest)
            return "";
        return fmt::format("\"{}\" is not a whole number from {} to {}", clean(text), lowest, highest);
    };
    return CLI::Validator(check, "", "whole_number");
}

/// A number in lowest .. highest; NaN is none.
inline CLI::Validator number(double lowest, double highest) {
    const auto check = [=](const std::string& text) -> std::string {
        double number = NAN;
        const bool is_one = CLI::detail::lexical_cast(text, number);
        if (is_one && number >= lowest && number <= highest) return "";
        return fmt::format("\"{}\" is not a number from {} to {}", clean(text), lowest, highest);
    };
    return CLI::Validator(check, "", "number");
}

/// What every --seed takes.
inline CLI::Validator any_seed() { return whole_number(0, int64_t{1} << 53); }

}  // namespace unroll::lesson
