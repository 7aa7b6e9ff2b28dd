// Which functions a reader's code may call, and which files it may include.
#include <algorithm>
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

std::vector<std::string> forbidden_includes(const std::string& source) {
    static const std::regex splice("\\\\\\s*\n"), include("^\\s*(?:#|%:)\\s*include(?:_next)?\\b\\s*(.*)$"),
        header("(?:<[\\w/.+-]*>|\"[\\w/.+-]*\\.(?:hpp|h)\")\\s*(?://.*|/\\*.*\\*/\\s*)?");
    std::vector<std::string> list;
    std::istringstream lines(std::regex_replace(source, splice, ""));
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (!std::regex_match(line, match, include)) continue;
        const std::string what = match[1];
        if (!std::regex_match(what, header) || contains(what, ".cpp")) list.push_back(what);
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
