#include "tutorials/lesson/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tutorials/lesson/clip.hpp"
#include "tutorials/lesson/door.hpp"
#include "tutorials/lesson/looks.hpp"
#include "tutorials/lesson/text.hpp"
#include "tutorials/lesson/tree.hpp"
#include "tutorials/lesson/words.hpp"

namespace unroll::lesson {
namespace {

constexpr const char* bold = "1";
constexpr const char* dim = "2";
constexpr const char* green = "32";
constexpr const char* red = "1;31";

std::string join(const std::vector<std::string>& lines, std::string_view indent = "") {
    std::string out;
    for (const std::string& line : lines) {
        std::string text = std::string(indent) + line;
        out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
    }
    return out;
}

}  // namespace

Terminal::Terminal(int columns, bool colours)
    : columns_(static_cast<size_t>(std::clamp(columns, 20, 110))), colours_(colours) {}

std::string Terminal::styled(const char* code, const std::string& text) const {
    return colours_ ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
}

void Terminal::block(const std::string& title, const std::vector<std::string>& lines, const std::string& caption) {
    std::string out;
    if (!title.empty())
        for (const std::string& line : wrap(plain(title), columns_)) out += styled(bold, line) + "\n";
    out += join(lines);
    if (!caption.empty()) out += join(wrap(plain(caption, true), columns_));
    door::write(out + "\n");
}

void Terminal::section(const Section& s) {
    std::string out = "\n";
    for (const std::string& line : wrap(plain(s.title), columns_)) out += styled(bold, line) + "\n";
    std::string rule;
    for (size_t i = 0; i < columns_; i++) rule += "─";
    out += styled(dim, rule) + "\n";
    if (!s.book.empty()) out += styled(dim, join(wrap("book: " + plain(s.book), columns_)));
    door::write(out + "\n");
}

void Terminal::text(const std::string& marked) {
    for (const std::string& paragraph : split(marked, "\n\n")) {
        std::vector<std::string> items = split(paragraph, "\n- ");
        bool list = paragraph.rfind("- ", 0) == 0;
        std::string out;
        for (size_t i = 0; i < items.size(); i++) {
            bool bullet = list || i > 0;
            std::string item = list && i == 0 ? items[i].substr(2) : items[i];
            auto lines = wrap(plain(item, true), columns_ - (bullet ? 2 : 0));
            for (size_t k = 0; k < lines.size(); k++) out += (bullet ? (k == 0 ? "- " : "  ") : "") + lines[k] + "\n";
        }
        if (!out.empty()) door::write(out + "\n");
    }
}

void Terminal::equation(const std::string&, const std::string& plain) {
    std::string out, lines = clean(plain);
    for (size_t gap; (gap = lines.find("   ")) != lines.npos;)  // equations side by side: one below the other
        lines.replace(gap, lines.find_first_not_of(' ', gap) - gap, "\n");
    for (const std::string& line : split(lines, "\n"))
        for (const std::string& part : wrap(line, columns_ - 4)) out += "    " + part + "\n";
    door::write(out + "\n");
}

void Terminal::table(const Table& t) { block(t.caption, table_lines(t, columns_)); }

void Terminal::value(const std::string& name, const std::vector<std::string>& lines) {
    std::vector<std::string> shown = lines;
    if (!shown.empty()) shown[0] = clean(name) + " " + shown[0];
    block("", shown);
}

void Terminal::plot(const Plot& p) { block(p.title, plot_lines(p, columns_), p.caption); }

void Terminal::heatmap(const Heatmap& map) { block(map.title, heatmap_lines(map, columns_), map.caption); }

void Terminal::tree(const Tree& t) { block(t.title, tree_lines(t, columns_), t.caption); }

void Terminal::check(const Check& c) {
    std::string mark = c.holds ? styled(green, "holds ") : styled(red, "FAILS ");
    std::string text = plain(c.statement, true) + (c.detail.empty() ? "" : ": " + clean(c.detail));
    std::string out;
    for (const std::string& line : wrap(text, columns_ - 6)) out += (out.empty() ? mark : "      ") + line + "\n";
    door::write(out + "\n");
}

void Terminal::shaded(const ShadedText& t) {
    block(t.title, shaded_lines(t, columns_),
          t.caption + (t.caption.empty() ? "" : " ") + "From " + shaded_range(t) + ".");
}

void Terminal::clip(const Clip& c) { block(c.title, clip_lines(c, columns_), c.caption); }

void Terminal::map(const WordMap& m) { block(m.title, map_lines(m, columns_), m.caption); }

void Terminal::looks(const Looks& l) { block(l.title, looks_lines(l, columns_), l.caption); }

void Terminal::sample(const std::string& title, const std::string& text) {
    std::vector<std::string> lines;
    for (const std::string& line : split(clean(text), "\n")) {
        auto wrapped = wrap(line, columns_ - 2);
        if (wrapped.empty()) wrapped.push_back("");
        for (const std::string& w : wrapped) lines.push_back("│ " + w);
    }
    block(title, lines);
}

// The stepper shows its stops itself where it stands at them; told without it, each is one line here.
void Terminal::stops(const std::string& title, const std::vector<Stop>& stops) {
    std::vector<std::string> lines;
    for (const Stop& stop : stops) lines.push_back("  " + shorten(clean(stop.title), columns_ - 2));
    block(title, lines);
}

void Terminal::result(const std::string& name, double value) {
    door::write(fmt::format("result {} {:.6g}\n\n", name, value));
}

std::vector<std::string> table_lines(const Table& table, size_t columns) {
    Cells content = cells(table);
    size_t n = content.right.size();
    std::vector<std::string> header(n);
    for (size_t c = 0; c < table.header.size(); c++) header[c] = plain(table.header[c]);
    for (auto& row : content.rows)
        for (std::string& cell : row) cell = plain(cell);
    std::vector<size_t> widths(n);
    size_t total = 0, name = 0;
    for (size_t c = 0; c < n; c++) {
        widths[c] = width(header[c]);
        name = std::max(name, widths[c]);
        for (const auto& row : content.rows) widths[c] = std::max(widths[c], width(row[c]));
        total += widths[c] + (c > 0 ? 2 : 0);
    }
    std::vector<std::string> lines;
    if (total > columns) {  // too wide: one cell a line, a blank line between rows
        for (const auto& row : content.rows) {
            if (!lines.empty()) lines.push_back("");
            for (size_t c = 0; c < n; c++) {
                std::string line = pad_right(header[c], name) + "  " + row[c];
                for (const std::string& part : width(line) > columns ? wrap(line, columns) : std::vector{line})
                    lines.push_back(part);
            }
        }
        return lines;
    }
    auto line = [&](const std::vector<std::string>& row) {
        std::string out;
        for (size_t c = 0; c < n; c++)
            out +=
                (c > 0 ? "  " : "") + (content.right[c] ? pad_left(row[c], widths[c]) : pad_right(row[c], widths[c]));
        lines.push_back(out);
    };
    std::vector<std::string> rules(n);
    for (size_t c = 0; c < n; c++)
        for (size_t i = 0; i < widths[c]; i++) rules[c] += "─";
    if (!table.header.empty()) {
        line(header);
        line(rules);
    }
    for (const auto& row : content.rows) line(row);
    return lines;
}

}  // namespace unroll::lesson
