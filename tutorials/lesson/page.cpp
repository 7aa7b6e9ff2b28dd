#include "tutorials/lesson/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tutorials/lesson/clip.hpp"
#include "tutorials/lesson/looks.hpp"
#include "tutorials/lesson/page_parts.hpp"
#include "tutorials/lesson/palette.hpp"
#include "tutorials/lesson/scale.hpp"
#include "tutorials/lesson/shades.hpp"
#include "tutorials/lesson/svg.hpp"
#include "tutorials/lesson/tex.hpp"
#include "tutorials/lesson/text.hpp"
#include "tutorials/lesson/tree.hpp"
#include "tutorials/lesson/web_libs.hpp"
#include "tutorials/lesson/words.hpp"

namespace unroll::lesson {
namespace {

// JSON that can stand in a <script>: no "<" in it.
std::string json_html(const nlohmann::json& json) {
    std::string out;
    for (char c : json.dump()) out += c == '<' ? std::string("\\u003c") : std::string(1, c);
    return out;
}

nlohmann::json chart_data(const Plot& plot) {
    Drawing d = prepare(plot, 1000);
    nlohmann::json data = {{"x", plain(plot.x)}, {"y", plain(plot.y)}, {"logX", plot.log_x}, {"logY", plot.log_y}};
    data["series"] = nlohmann::json::array();
    for (size_t i = 0; i < d.series.size(); i++) {
        nlohmann::json points = nlohmann::json::array();
        const Series& s = d.series[i];
        for (size_t k = 0; k < s.y.size(); k++)
            points.push_back({{"x", s.x[k]}, {"y", std::isnan(s.y[k]) ? nlohmann::json() : nlohmann::json(s.y[k])}});
        data["series"].push_back({{"name", s.name}, {"dashes", dashes(i)}, {"points", points}});
    }
    return data;
}

// A plot's numbers, about 20 of each series.
Table numbers_of(const Plot& plot) {
    Table table{.caption = "About 20 points of each series", .header = {"series", plot.x, plot.y}};
    for (const Series& s : plot.series) {
        size_t n = s.y.size(), rows = std::min<size_t>(n, 20);
        for (size_t k = 0; k < rows; k++) {
            size_t i = rows > 1 ? k * (n - 1) / (rows - 1) : 0;
            table.rows.push_back({s.name, s.x[i], s.y[i]});
        }
    }
    return table;
}

Table numbers_of(const Heatmap& map) {
    Table table{.header = {map.row_axis}};
    if (map.values.rows > 40 || map.values.columns > 40) return {};
    for (int c = 0; c < map.values.columns; c++) table.header.push_back(label(map.column_labels, c));
    for (int r = 0; r < map.values.rows; r++) {
        table.rows.push_back({label(map.row_labels, r)});
        for (int c = 0; c < map.values.columns; c++) table.rows.back().emplace_back(map.values.at(r, c));
    }
    return table;
}

std::string scrolling(const std::string& name, const std::string& inside) {
    return fmt::format("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</div>\n", html(name),
                       inside);
}

std::string preformatted(const std::string& name, const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += html(line) + "\n";
    return scrolling(name, "<pre>" + out + "</pre>");
}

}  // namespace

Page::Page(std::string number, std::string title, std::string web_libs)
    : number_(std::move(number)), title_(std::move(title)), web_libs_(std::move(web_libs)) {}

std::string Page::maths(const std::string& tex, const std::string& plain, const char* element, const char* classes) {
    tex_ += tex + "\n";
    return fmt::format("<{0} class=\"{1}\" data-tex=\"{2}\">{3}</{0}>", element, classes, html(tex), html(plain));
}

std::string Page::marked(const std::string& text) {
    std::string out;
    for (const Span& span : spans(text)) {
        if (span.kind == Span::Kind::code)
            out += "<code>" + html(span.text) + "</code>";
        else if (span.kind == Span::Kind::math)
            out += maths(span.text, plain_tex(span.text), "span", "math");
        else if (span.kind == Span::Kind::emphasis)
            out += "<em>" + html(span.text) + "</em>";
        else
            out += html(span.text);
    }
    return out;
}

void Page::section(const Section& s) {
    if (!sections_.empty()) body_ += "</section>\n";
    sections_.push_back(s);
    size_t n = sections_.size();
    body_ += fmt::format(
        "<section id=\"s{0}\" aria-labelledby=\"t{0}\">\n<h2 id=\"t{0}\"><span class=\"no\">{0}</span> {1}</h2>\n", n,
        marked(s.title));
    if (!s.book.empty()) body_ += "<p class=\"book\">book: " + marked(s.book) + "</p>\n";
}

void Page::text(const std::string& text) {
    for (const std::string& paragraph : split(text, "\n\n")) {
        if (paragraph.find_first_not_of(" \n") == paragraph.npos) continue;
        auto items = split(paragraph.rfind("- ", 0) == 0 ? "\n" + paragraph : paragraph, "\n- ");
        if (!items[0].empty()) body_ += "<p>" + marked(items[0]) + "</p>\n";
        if (items.size() > 1) body_ += "<ul>\n";
        for (size_t i = 1; i < items.size(); i++) body_ += "<li>" + marked(items[i]) + "</li>\n";
        if (items.size() > 1) body_ += "</ul>\n";
    }
}

void Page::equation(const std::string& tex, const std::string& plain) {
    body_ += maths(tex, plain, "div", "math display scroll") + "\n";
}

std::string Page::table_html(const Table& table) {
    Cells content = cells(table);
    std::string out = content.right.size() < 6 ? "<table>" : "<table class=\"wide\">";
    if (!table.caption.empty()) out += "<caption>" + marked(table.caption) + "</caption>";
    auto align = [&](size_t c) { return content.right[c] ? " class=\"r\"" : ""; };
    if (!table.header.empty()) {
        out += "\n<thead><tr>";
        for (size_t c = 0; c < table.header.size(); c++)
            out += fmt::format("<th scope=\"col\"{}>{}</th>", align(c), marked(table.header[c]));
        out += "</tr></thead>";
    }
    out += "\n<tbody>\n";
    for (const auto& row : content.rows) {
        out += "<tr>";
        for (size_t c = 0; c < row.size(); c++) {
            const char* element = c == 0 ? "th scope=\"row\"" : "td";
            out += fmt::format("<{}{}>{}</{}>", element, align(c), marked(row[c]), c == 0 ? "th" : "td");
        }
        out += "</tr>\n";
    }
    return scrolling(table.caption.empty() ? "table" : plain(table.caption), out + "</tbody></table>");
}

void Page::table(const Table& t) { body_ += table_html(t); }

void Page::value(const std::string& name, const std::vector<std::string>& lines) {
    body_ += "<figure class=\"value\"><figcaption><code>" + html(name) + "</code></figcaption>" +
             preformatted(name, lines) + "</figure>\n";
}

void Page::figure(const char* classes, const std::string& title, const std::string& caption, const std::string& inside,
                  const Table& numbers) {
    body_ += fmt::format("<figure class=\"{}\">\n<figcaption class=\"title\">{}</figcaption>\n{}", classes,
                         marked(title), inside);
    if (!caption.empty()) body_ += "<p class=\"caption\">" + marked(caption) + "</p>\n";
    if (!numbers.rows.empty())
        body_ += "<details><summary>The numbers</summary>" + table_html(numbers) + "</details>\n";
    body_ += "</figure>\n";
}

void Page::plot(const Plot& p) {
    plots_ = true;
    int missing = prepare(p, 2).missing;
    std::string caption = p.caption;
    if (missing > 0)
        caption += fmt::format("{}{} point{} not finite, not drawn.", caption.empty() ? "" : " ", missing,
                               missing == 1 ? "" : "s");
    figure("plot", p.title, caption,
           scrolling(p.title, plot_svg(p)) + "<script type=\"application/json\">" + json_html(chart_data(p)) +
               "</script>\n",
           numbers_of(p));
}

void Page::heatmap(const Heatmap& map) {
    figure("heatmap", map.title, map.caption, scrolling(map.title, heatmap_svg(map)), numbers_of(map));
}

void Page::tree(const Tree& t) { figure("tree", t.title, t.caption, scrolling(t.title, tree_svg(t)), {}); }
void Page::shaded(const ShadedText& t) {
    Table numbers{.header = {"token", t.unit}};
    for (size_t i = 0; i < std::min<size_t>(t.tokens.size(), 200); i++)
        numbers.rows.push_back({t.tokens[i], t.values.at(i)});
    figure("shades", t.title, t.caption + (t.caption.empty() ? "" : " ") + "From " + shaded_range(t) + ".",
           shaded_html(t), numbers);
}
void Page::map(const WordMap& m) { figure("map", m.title, m.caption, scrolling(m.title, map_svg(m)), {}); }
void Page::looks(const Looks& l) { figure("looks", l.title, l.caption, scrolling(l.title, looks_svg(l)), {}); }
void Page::clip(const Clip& c) { figure("clip", c.title, c.caption, clip_html(c), {}); }

void Page::check(const Check& c) {
    body_ += fmt::format("<p class=\"check {}\"><span class=\"verdict\">{}</span> {}{}</p>\n",
                         c.holds ? "holds" : "fails", c.holds ? "✓ holds" : "✗ fails", marked(c.statement),
                         c.detail.empty() ? "" : " <span class=\"detail\">" + html(c.detail) + "</span>");
}

void Page::sample(const std::string& title, const std::string& text) {
    body_ += "<figure class=\"sample\"><figcaption>" + marked(title) + "</figcaption><blockquote>" + html(text) +
             "</blockquote></figure>\n";
}

void Page::stops(const std::string& title, const std::vector<Stop>& stops) {
    if (stops.empty()) return;
    body_ += "<figure class=\"stops\"><figcaption class=\"title\">" + marked(title) + "</figcaption>\n<ol>\n";
    for (const Stop& stop : stops)
        body_ += "<li><p>" + html(stop.title) + "</p>" + preformatted(stop.title, stop.lines) + "</li>\n";
    body_ += "</ol></figure>\n";
}

void Page::result(const std::string& name, double value) {
    body_ += fmt::format("<p class=\"result\"><code>{}</code> {}</p>\n", html(name), number(value));
}

std::string Page::document(const std::vector<std::pair<std::string, std::string>>& facts) const {
    WebLibs libs = load_web_libs(web_libs_, tex_);
    std::string heading =
        fmt::format("<p class=\"chapter\">Unroll · Chapter {}</p>\n<h1>{}</h1>", html(number_), html(title_));
    std::string contents, below;
    for (size_t i = 0; i < sections_.size(); i++)
        contents += fmt::format("<li><a href=\"#s{}\">{}</a></li>\n", i + 1, html(plain(sections_[i].title)));
    for (const auto& [name, value] : facts)
        below += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", html(name), html(value));
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'; font-src data:; img-src data:; media-src data:\">\n";
    out += "<title>" + html(number_ + " " + title_) + "</title>\n";
    if (!tex_.empty()) out += libs.katex;
    if (plots_) out += libs.chart;
    out += "<style>\n" + figure_style() + page_css +
           "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#lesson\">Skip to the lesson</a>\n";
    out += "<header>\n" + heading + "\n</header>\n";
    if (!contents.empty()) out += "<nav aria-label=\"Contents\">\n<ol>\n" + contents + "</ol>\n</nav>\n";
    out += "<main id=\"lesson\">\n" + body_ + (sections_.empty() ? "" : "</section>\n") + "</main>\n";
    out += "<footer>\n<dl>\n" + below + "</dl>\n</footer>\n<script>\n" + page_js + "</script>\n</body>\n</html>\n";
    return out;
}

}  // namespace unroll::lesson
