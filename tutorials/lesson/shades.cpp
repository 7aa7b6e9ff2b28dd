#include "tutorials/lesson/shades.hpp"

#include <algorithm>
#include <cmath>

#include "tutorials/lesson/text.hpp"

namespace unroll::lesson {

Shades::Shades(const Heatmap& map) : log_(map.log) {
    bool any = false;
    for (double v : map.values.values) {
        if (!drawable(v)) continue;
        double value = log_ ? std::abs(v) : v;
        low_ = any ? std::min(low_, value) : value;
        high_ = any ? std::max(high_, value) : value;
        any = true;
    }
    diverging_ = !log_ && low_ < 0 && high_ > 0;
    if (diverging_) {
        high_ = std::max(-low_, high_);
        low_ = -high_;
    }
}

bool Shades::drawable(double value) const { return std::isfinite(value) && (!log_ || value != 0); }

int Shades::level(double value) const {
    if (low_ == high_) return levels / 2;
    if (diverging_) return static_cast<int>(std::lround(value / high_ * levels));
    double low = log_ ? std::log10(low_) : low_, high = log_ ? std::log10(high_) : high_;
    double v = log_ ? std::log10(std::abs(value)) : value;
    return static_cast<int>(std::lround((v / 2 - low / 2) / (high / 2 - low / 2) * levels));
}

std::string label(const std::vector<std::string>& labels, int i) {
    return static_cast<size_t>(i) < labels.size() ? clean(labels[static_cast<size_t>(i)]) : std::to_string(i);
}

Heatmap reduce(const Heatmap& map, int rows, int columns) {
    const Grid& from = map.values;
    if (from.rows <= rows && from.columns <= columns) return map;
    rows = std::min(rows, from.rows);
    columns = std::min(columns, from.columns);
    Heatmap out = map;
    out.values = Grid(rows, columns, std::vector<double>(static_cast<size_t>(rows) * static_cast<size_t>(columns)));
    out.row_labels.clear();
    out.column_labels.clear();
    auto begin = [](int i, int n, int of) { return static_cast<int>(static_cast<int64_t>(i) * of / n); };
    for (int r = 0; r < rows; r++) out.row_labels.push_back(label(map.row_labels, begin(r, rows, from.rows)));
    for (int c = 0; c < columns; c++)
        out.column_labels.push_back(label(map.column_labels, begin(c, columns, from.columns)));
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++) {
            double sum = 0;
            int count = 0;
            for (int i = begin(r, rows, from.rows); i < begin(r + 1, rows, from.rows); i++)
                for (int j = begin(c, columns, from.columns); j < begin(c + 1, columns, from.columns); j++, count++)
                    sum += from.at(i, j);
            out.values.values[static_cast<size_t>(r * columns + c)] = sum / count;
        }
    return out;
}

}  // namespace unroll::lesson
