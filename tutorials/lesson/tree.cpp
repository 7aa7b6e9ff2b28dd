#include "tutorials/lesson/tree.hpp"

#include <algorithm>
#include <functional>

#include "tutorials/lesson/svg_parts.hpp"

namespace unroll::lesson {
namespace {

std::vector<std::vector<size_t>> children_of(const Tree& tree) {  // the last: those without a parent
    std::vector<std::vector<size_t>> children(tree.nodes.size() + 1);
    for (size_t i = 0; i < tree.nodes.size(); i++) {
        const int parent = tree.nodes[i].parent;
        children[parent < 0 ? tree.nodes.size() : static_cast<size_t>(parent)].push_back(i);
    }
    return children;
}

}  // namespace

std::vector<std::string> tree_lines(const Tree& tree, size_t columns) {
    const auto children = children_of(tree);
    std::vector<std::string> lines;
    const std::function<void(size_t, const std::string&)> visit = [&](size_t node, const std::string& indent) {
        for (size_t k = 0; k < children[node].size(); k++) {
            const size_t i = children[node][k];
            const TreeNode& n = tree.nodes[i];
            const bool last = k + 1 == children[node].size();
            lines.push_back(shorten(fmt::format("{}{}{} {}{}", indent, last ? "└ " : "├ ", clean(n.label),
                                                clean(n.detail), n.chosen ? "  ◀" : ""),
                                    columns));
            visit(i, indent + (last ? "  " : "│ "));
        }
    };
    visit(tree.nodes.size(), "");
    return lines;
}

std::string tree_svg(const Tree& tree) {
    constexpr double row = 24, gap = 34;
    const auto children = children_of(tree);
    struct Place {
        size_t depth = 0;
        double y = 0;
    };
    std::vector<Place> places(tree.nodes.size() + 1);
    std::vector<double> widths;  // of the columns
    double rows = 0;
    const std::function<void(size_t, size_t)> lay_out = [&](size_t node, size_t depth) {
        places[node].depth = depth;
        for (size_t child : children[node]) {
            const TreeNode& n = tree.nodes[child];
            if (widths.size() <= depth) widths.push_back(0);
            widths[depth] = std::max(widths[depth], letter * static_cast<double>(width(n.label) + width(n.detail) + 2));
            lay_out(child, depth + 1);
        }
        places[node].y = children[node].empty()
                             ? row * (0.5 + rows++)
                             : (places[children[node].front()].y + places[children[node].back()].y) / 2;
    };
    lay_out(tree.nodes.size(), 0);
    std::vector<double> left = {8};
    for (double w : widths) left.push_back(left.back() + w + gap);
    std::string edges, labels;
    for (size_t i = 0; i < tree.nodes.size(); i++) {
        const TreeNode& n = tree.nodes[i];
        const Place p = places[i];
        const double x = left[p.depth - 1];
        if (n.parent >= 0) {
            const double from = left[p.depth - 1] - gap + 2, y = places[static_cast<size_t>(n.parent)].y;
            edges += fmt::format(
                "<path d=\"M{:.1f} {:.1f}C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}\" class=\"line s{}\" "
                "stroke-opacity=\"{}\"/>\n",
                from, y, from + gap / 2, y, x - 4 - gap / 2, p.y, x - 4, p.y, n.chosen ? 1 : 5, n.chosen ? 1 : 0.35);
        }
        labels += fmt::format(
            "<text x=\"{:.1f}\" y=\"{:.1f}\"{}>{} <tspan class=\"muted\" style=\"font-size:11px\">{}</tspan></text>\n",
            x, p.y + 4.5, n.chosen ? " style=\"font-weight:700\"" : "", html(n.label), html(n.detail));
    }
    return open(left.back(), row * rows + 8,
                fmt::format("{}: a tree of {} nodes", plain(tree.title), tree.nodes.size())) +
           edges + labels + "</svg>";
}

}  // namespace unroll::lesson
