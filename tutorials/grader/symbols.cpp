// Which functions a reader's code may call, and which files it may include.
#include <algorithm>
#include <filesystem>
#include <regex>
#include <sstream>

#include "tutorials/grader/child.hpp"
#include "tutorials/grader/grade.hpp"

namespace unroll::grader {
namespace {

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }
bool contains(const std::string& text, const char* part) { return text.find(part) != text.npos; }

bool allowed_of_unroll(const std::string& symbol, const std::vector<std::string>& library) {
    if (contains(symbol, "unroll::Var") || contains(symbol, "unroll::Tape") || contains(symbol, "unroll::Operand"))
        return false;
    const std::string name = symbol.substr(8, symbol.find_first_of("(<", 8) - 8);
    for (const char* type : {"Tensor::", "Shape::", "Ids::", "Storage::", "Error", "Unimplemented"})
        if (starts_with(name, type)) return true;
    for (const char* function : {"add", "sub", "mul", "div", "scale", "print", "to_string", "fail", "common_dtype"})
        if (name == function) return true;
    return std::find(library.begin(), library.end(), name) != library.end();
}

bool allowed_of_std(const std::string& symbol) {
    static const std::regex no("fstream|filebuf|filesystem|thread|async|quick_exit");
    return !std::regex_search(symbol, no);
}

bool allowed_of_c(const std::string& symbol) {
    static const std::regex yes(
        // compiler and sanitizers
        "_Unwind_\\w+|__cxa_\\w+|__gxx_personality_v0|__dso_handle|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__tls_get_"
        "addr|"
        "__cxx_global_\\w+|_?_tsan_\\w+|__[au]\\w*san_\\w+|__sanitizer_\\w+|__gcov\\w*|__emutls\\w*|atexit|"
        // memory, text, printing
        "mem\\w+|str\\w+|malloc|calloc|realloc|free|qsort|abort|__assert_fail|"
        "v?f?s?n?printf|__v?f?s?n?printf_chk|f?puts|f?putc|putchar|fflush|fwrite|stdout|stderr|"
        // numbers
        "(sin|cos|tan|sinh|cosh|tanh|asinh|acosh|atanh|atan|atan2|exp|exp2|expm1|log|log2|log10|log1p|pow|sqrt|cbrt|"
        "hypot|"
        "fabs|fmin|fmax|fma|fmod|floor|ceil|trunc|rint|nearbyint|round|lround|lrint|ldexp|frexp|copysign|erf|tgamma|"
        "lgamma)"
        "[fl]?|s?rand|clock");
    return std::regex_match(symbol, yes);
}

bool allowed(std::string symbol, const std::vector<std::string>& library) {
    for (const char* prefix : {"vtable for ", "typeinfo for ", "VTT for "})
        if (starts_with(symbol, prefix)) symbol.erase(0, std::string(prefix).size());
    if (starts_with(symbol, "unroll::")) return allowed_of_unroll(symbol, library);
    if (contains(symbol, "unroll::")) return false;
    if (starts_with(symbol, "operator new") || starts_with(symbol, "operator delete")) return true;
    for (const char* space : {"std::", "__cxxabiv1::", "__gnu_cxx::", "fmt::"})
        if (contains(symbol, space)) return allowed_of_std(symbol);
    return allowed_of_c(symbol);
}

}  // namespace

/// The source as the preprocessor takes it: lines joined, each comment a space. What stands in quotes stays.
static std::string without_comments(const std::string& source) {
    std::string joined, out;
    for (size_t i = source.compare(0, 3, "\xEF\xBB\xBF") == 0 ? 3 : 0; i < source.size(); i++) {
        if (source[i] == '\r') continue;
        if (source[i] == '\\' && source.find_first_not_of(" \t\r", i + 1) == source.find('\n', i))
            i = std::min(source.find('\n', i), source.size());
        else
            joined += source[i];
    }
    for (size_t i = 0, end; i < joined.size(); i = end) {
        end = i + 1;
        const char c = joined[i];
        if (joined.compare(i, 2, "//") == 0) {
            end = joined.find('\n', i);
        } else if (joined.compare(i, 2, "/*") == 0) {
            const size_t close = joined.find("*/", i + 2);
            end = close == joined.npos ? close : close + 2;
        } else if (joined.compare(i, 2, "R\"") == 0) {
            const size_t open = joined.find('(', i);
            const std::string mark = open == joined.npos ? "" : ")" + joined.substr(i + 2, open - i - 2) + "\"";
            const size_t close = open == joined.npos ? open : joined.find(mark, open);
            end = close == joined.npos ? close : close + mark.size();
        } else if (c == '"' || c == '\'') {
            while (end < joined.size() && joined[end] != c && joined[end] != '\n') end += joined[end] == '\\' ? 2 : 1;
            end = std::min(end + (end < joined.size() && joined[end] == c), joined.size());
        }
        end = std::min(end, joined.size());
        out += c == '/' && end > i + 1 ? " " : joined.compare(i, 2, "R\"") == 0 ? "\"\"" : joined.substr(i, end - i);
    }
    return out;
}

std::vector<std::string> forbidden_includes(const std::string& source) {
    const auto trimmed = [](const std::string& text) {
        const size_t begin = std::min(text.find_first_not_of(" \t\f\v"), text.size());
        return text.substr(begin, text.find_last_not_of(" \t\f\v") + 1 - begin);
    };
    std::vector<std::string> list;
    std::istringstream lines(without_comments(source));
    for (std::string line; std::getline(lines, line);) {
        std::string rest = trimmed(line);
        if (!starts_with(rest, "#") && !starts_with(rest, "%:")) continue;
        rest = trimmed(rest.substr(rest[0] == '#' ? 1 : 2));
        const size_t word = std::min(rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), rest.size());
        const std::string directive = rest.substr(0, word), what = trimmed(rest.substr(word));
        if (directive != "include" && directive != "include_next" && directive != "import") continue;
        const char close = what.empty() ? 0 : what[0] == '<' ? '>' : what[0];
        const bool one =
            what.size() > 2 && (what[0] == '<' || what[0] == '"') && what.find(close, 1) + 1 == what.size();
        const std::string name = one ? what.substr(1, what.size() - 2) : "";
        const std::string end = std::filesystem::path(name).extension().string();
        if (!one || (end != ".hpp" && end != ".h" && (end != "" || close != '>'))) list.push_back(what);
    }
    return list;
}

std::vector<std::string> forbidden_symbols(const std::string& archive, const std::vector<std::string>& library) {
    std::vector<std::string> list;
    std::istringstream lines(run({"nm", "--undefined-only", "--demangle", archive}, "").printed);
    for (std::string line; std::getline(lines, line);) {
        static const std::regex undefined("^ +[Uwv] (.*)$");
        std::smatch match;
        if (std::regex_match(line, match, undefined) && !allowed(match[1], library)) list.push_back(match[1]);
    }
    return list;
}

}  // namespace unroll::grader
