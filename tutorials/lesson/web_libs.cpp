#include "tutorials/lesson/web_libs.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/file.hpp"

namespace unroll::lesson {

std::string base64(std::string_view bytes) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (size_t k = 0; k < 4; k++) out += i + k > bytes.size() ? '=' : digits[group >> (18 - 6 * k) & 63];
    }
    return out;
}

namespace {

std::optional<std::string> content_of(const std::string& path) {
    try {
        return read_file(path);
    } catch (const Error&) {
        return std::nullopt;
    }
}

// What would end the element early is escaped; inside the strings of a script "<\/" means the same.
std::string inlined(const std::string& element, std::string content) {
    for (std::string_view mark : {"</script", "</style", "<!--"})
        for (size_t at = 0; (at = content.find(mark, at)) != content.npos; at += 2) content.insert(at + 1, "\\");
    return "<" + element + ">\n" + content + "\n</" + element + ">\n";
}

// Fonts that only some commands ask for, by a part of their file's name.
bool font_needed(std::string_view file, std::string_view tex) {
    struct Rule {
        std::string_view font, command;
    };
    constexpr std::array<Rule, 7> rules = {{{"Fraktur", "\\mathfrak"},
                                            {"Script", "\\mathscr"},
                                            {"Caligraphic", "\\mathcal"},
                                            {"SansSerif", "\\mathsf"},
                                            {"Typewriter", "tt"},
                                            {"BoldItalic", "bold"},
                                            {"Main-Bold.", "bf"}}};
    for (const Rule& rule : rules)
        if (file.find(rule.font) != file.npos && tex.find(rule.command) == tex.npos) return false;
    return true;
}

// The style sheet with every @font-face either dropped or its woff2 file inlined.
std::string style(const std::string& css, const std::string& folder, const std::string& tex) {
    std::string out;
    size_t at = 0;
    for (;;) {
        size_t begin = css.find("@font-face", at), end = css.find('}', begin);
        out.append(css, at, begin == css.npos ? begin : begin - at);
        if (begin == css.npos || end == css.npos) return out;
        at = end + 1;
        std::string face = css.substr(begin, at - begin);
        size_t src = face.find("src:"), url = face.find("url(", src), close = face.find(')', url);
        if (src == face.npos || url == face.npos || close == face.npos) continue;
        std::string file = face.substr(url + 4, close - url - 4);
        auto font = font_needed(file, tex) ? content_of(folder + "/" + file) : std::nullopt;
        if (!font) continue;
        size_t rest = face.find(';', src);
        face.replace(src, rest == face.npos ? face.size() - 1 - src : rest - src,
                     "src:url(data:font/woff2;base64," + base64(*font) + ") format('woff2')");
        out += face;
    }
}

}  // namespace

WebLibs load_web_libs(const std::string& folder, const std::string& tex) {
    WebLibs libs;
    auto js = content_of(folder + "/katex/katex.min.js"), css = content_of(folder + "/katex/katex.min.css");
    if (js && css) libs.katex = inlined("style", style(*css, folder + "/katex", tex)) + inlined("script", *js);
    if (auto chart = content_of(folder + "/chart.js/chart.min.js")) libs.chart = inlined("script", *chart);
    return libs;
}

std::string web_libs_folder() { return UNROLL_WEB_LIBS; }

}  // namespace unroll::lesson
