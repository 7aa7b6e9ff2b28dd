#include "core/print.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>

namespace unroll {
namespace {

constexpr int64_t left_out = -1;
constexpr const char* ellipsis = "…";

/// The indices of a dimension that are shown.
std::vector<int64_t> shown(int64_t n, bool shorten, int64_t edge) {
    std::vector<int64_t> indices;
    const bool gap = shorten && n > 2 * edge;
    for (int64_t i = 0; i < (gap ? edge : n); i++) indices.push_back(i);
    if (gap) indices.push_back(left_out);
    for (int64_t i = n - edge; gap && i < n; i++) indices.push_back(i);
    return indices;
}

/// One format for all numbers shown.
class Format {
  public:
    Format(const std::vector<double>& values, int precision) {
        double largest = 0, smallest = HUGE_VAL;
        bool whole = true;
        for (double v : values) {
            if (!std::isfinite(v) || v == 0) continue;
            largest = std::max(largest, std::abs(v));
            smallest = std::min(smallest, std::abs(v));
            whole = whole && v == std::trunc(v);
        }
        if (largest == 0 || (whole && largest < 1e10)) return;
        // Fixed only where the smallest keeps a digit: 0.0000 would pass for zero.
        scientific_ = largest >= 1e6 || smallest < 0.999 * std::pow(10, -precision);
        digits_ = precision;
        int needed = 0;
        for (double v : values) needed = std::max(needed, digits_ - trailing_zeros(v));
        digits_ = needed;
    }

    std::string operator()(double v) const {
        if (std::isnan(v)) return "NaN";
        if (v == 0) v = 0;  // -0
        if (std::isinf(v) || (scientific_ && v == 0)) return fmt::format("{}", v);
        return scientific_ ? fmt::format("{:.{}e}", v, digits_) : fmt::format("{:.{}f}", v, digits_);
    }

  private:
    /// After the point, before the exponent.
    int trailing_zeros(double v) const {
        if (!std::isfinite(v) || v == 0) return digits_;
        std::string text = (*this)(v);
        size_t end = std::min(text.find('e'), text.size());
        int zeros = 0;
        while (zeros < digits_ && text[end - 1 - size_t(zeros)] == '0') zeros++;
        return zeros;
    }

    bool scientific_ = false;
    int digits_ = 0;
};

/// Lays out the numbers that value(i) gives, i in row-major order.
template <class Value>
std::string layout(const Shape& shape, const PrintOptions& options, Value value) {
    const int rank = shape.rank();
    const auto shown_of = [&](int axis) {  // a dimension that isn't there has one index
        if (axis < 0) return std::vector<int64_t>{0};
        return shown(shape[axis], shape.size() > options.threshold, std::max<int64_t>(options.edge_items, 0));
    };
    const std::vector<int64_t> rows = shown_of(rank - 2), columns = shown_of(rank - 1);
    const int64_t R = rank > 1 ? shape[-2] : 1, C = rank > 0 ? shape[-1] : 1;

    struct Matrix {
        int64_t first;      // element, or left_out
        std::string label;  // "t=0 b=12"
    };
    const auto place = [&](int axis, int64_t i) {
        const char letter = shape.axis(axis);
        return letter != 0 ? fmt::format("{:c}={}", std::tolower(letter), i) : fmt::format("{}", i);
    };
    std::vector<Matrix> matrices;
    size_t margin = 0;
    for (int64_t a : shown_of(rank - 4)) {
        if (a == left_out) {
            matrices.push_back({left_out, ellipsis});
            continue;
        }
        for (int64_t b : shown_of(rank - 3)) {
            const std::string before = rank > 3 ? place(0, a) + " " : "";
            if (b == left_out)
                matrices.push_back({left_out, ellipsis});
            else
                matrices.push_back(
                    {(a * (rank > 2 ? shape[-3] : 1) + b) * R * C, rank > 2 ? before + place(rank - 3, b) : ""});
            if (rank > 2 && b != left_out) margin = std::max(margin, matrices.back().label.size() + 2);
        }
    }

    std::vector<double> values;
    for (const Matrix& m : matrices)
        for (int64_t r : rows)
            for (int64_t c : columns)
                if (m.first != left_out && r != left_out && c != left_out) values.push_back(value(m.first + r * C + c));
    const Format format(values, std::clamp(options.precision, 0, 17));
    if (rank == 0) return format(values[0]);
    std::vector<std::string> cells;
    size_t width = 0;
    for (double v : values) width = std::max(width, cells.emplace_back(format(v)).size());

    auto cell = cells.begin();
    const auto row = [&](const std::string& before) {
        std::string text = before + "[";
        size_t column = before.size();
        for (int64_t c : columns) {
            const size_t needed = (c == left_out ? 1 : width) + 1;
            if (c != columns[0]) {
                const bool full = column + needed + 2 > size_t(std::max(options.line_width, 0));
                text += full ? "\n" + std::string(before.size() + 1, ' ') : " ";
                if (full) column = before.size();
            }
            column += needed;
            text += c == left_out ? ellipsis : fmt::format("{:>{}}", *cell++, width);
        }
        return text + "]";
    };
    if (rank == 1) return row("");
    std::string out;
    for (const Matrix& m : matrices) {
        if (m.first == left_out) {
            out += m.label + "\n";
            continue;
        }
        for (int64_t r : rows) {
            const bool first = r == rows[0];
            const std::string before = fmt::format("{:<{}}{}", first ? m.label : "", margin, first ? "[" : " ");
            out += r == left_out ? (first ? before : std::string(margin + 1, ' ')) + ellipsis : row(before);
            out += r == rows.back() ? "]\n" : "\n";
        }
    }
    out.pop_back();
    return out;
}

template <class Value>
std::string describe(const Shape& shape, const char* type, const PrintOptions& options, Value value) {
    const std::string head = shape.str() + " " + type;
    if (shape.size() == 0) return head + " []";
    return head + (shape.rank() == 0 ? " " : "\n") + layout(shape, options, value);
}

/// The one place that writes.
void write_out(const std::string& name, const std::string& text) {
    const std::string line = (name.empty() ? "" : name + " ") + text + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
}

}  // namespace

std::string to_string(const Tensor& t, const PrintOptions& options) {
    if (!t.defined()) return "(no tensor)";
    return describe(t.shape(), to_string(t.dtype()), options, [&](int64_t i) { return t.flat(i); });
}

std::string to_string(const Ids& ids, const PrintOptions& options) {
    if (!ids.defined()) return "(no ids)";
    return describe(ids.shape(), "ids", options, [&](int64_t i) { return ids[i]; });
}

void print(const std::string& name, const Tensor& t, const PrintOptions& options) {
    write_out(name, to_string(t, options));
}

void print(const std::string& name, const Ids& ids, const PrintOptions& options) {
    write_out(name, to_string(ids, options));
}

}  // namespace unroll
