#include "models/lead.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <vector>

namespace unroll {

static bool is_ascii_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string first_sentence(const std::string& document) {
    for (size_t i = 1; i < document.size(); i++)
        if (is_ascii_space(document[i]) && std::string_view(".!?").find(document[i - 1]) != std::string_view::npos)
            return document.substr(0, i);
    return document;
}

std::string what_it_is(const std::string& document) {
    constexpr std::array verbs = {"is",         "are",    "provides", "provide",  "contains",
                                  "implements", "allows", "offers",   "includes", "lets"};
    std::vector<std::string> words(1);
    for (char c : first_sentence(document)) {
        const char small = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
        if ((small >= 'a' && small <= 'z') || (small >= '0' && small <= '9'))
            words.back() += small;
        else if (!words.back().empty())
            words.emplace_back();
    }
    if (words.back().empty()) words.pop_back();
    size_t begin = 0;
    for (size_t i = 0; i < std::min<size_t>(8, words.size()) && begin == 0; i++)
        if (std::find(verbs.begin(), verbs.end(), words[i]) != verbs.end()) begin = i + 1;
    if (begin > 0 && begin < words.size() && (words[begin] == "a" || words[begin] == "an" || words[begin] == "the"))
        begin++;
    std::string summary;
    for (size_t i = begin; i < std::min(begin + 12, words.size()); i++) summary += (i > begin ? " " : "") + words[i];
    return summary;
}

}  // namespace unroll
