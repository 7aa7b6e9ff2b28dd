#include "core/print.hpp"

#include <fmt/format.h>

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
    for (int64_t i = 0; i < n; i++) {
        if (shorten && i == edge && n > 2 * edge) {
            indices.push_back(left_out);
            i = n - edge;
            if (edge == 0) break;
        }
        indices.push_back(i);
    }
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
        while (zeros < digits_ && text[end - 1 - static_cast<size_t>(zeros)] == '0') zeros++;
        return zeros;
    }

    bool scientific_ = false;
    int digits_ = 0;
};

/// Lays out the numbers that value(i) gives, i in row-major order.
template <class Value>
std::string layout(const Shape& shape, const PrintOptions& options, Value value) {
    const int rank = shape.rank();
    const bool shorten = shape.size() > options.threshold;
    std::vector<int64_t> indices[Shape::max_rank];  // right-aligned: the last one belongs to the columns
    int64_t sizes[Shape::max_rank] = {1, 1, 1, 1};
    for (int axis = 0; axis < Shape::max_rank; axis++) {
        const int i = axis - (Shape::max_rank - rank);
        if (i >= 0) sizes[axis] = shape[i];
        indices[axis] = shown(sizes[axis], i >= 0 && shorten, std::max<int64_t>(options.edge_items, 0));
    }
    const auto &outer0 = indices[0], &outer1 = indices[1], &rows = indices[2], &columns = indices[3];

    std::vector<double> values;
    for (int64_t a : outer0)
        for (int64_t b : outer1)
            for (int64_t r : rows)
                for (int64_t c : columns)
                    if (a != left_out && b != left_out && r != left_out && c != left_out)
                        values.push_back(value(((a * sizes[1] + b) * sizes[2] + r) * sizes[3] + c));
    const Format format(values, std::clamp(options.precision, 0, 17));
    if (rank == 0) return format(values[0]);
    std::vector<std::string> cells;
    size_t width = 0;
    for (double v : values) width = std::max(width, cells.emplace_back(format(v)).size());

    size_t label_width = 0;  // of "t=0 b=12"
    const auto label = [&](int64_t a, int64_t b) {
        std::string text;
        for (int axis = 0; axis + 2 < rank; axis++) {
            const int64_t index = axis == rank - 3 ? b : a;
            if (axis > 0) text += ' ';
            if (shape.axis(axis) != 0) text += fmt::format("{:c}=", std::tolower(shape.axis(axis)));
            text += fmt::format("{}", index);
        }
        return text;
    };
    for (int64_t a : outer0)
        for (int64_t b : outer1)
            if (a != left_out && b != left_out) label_width = std::max(label_width, label(a, b).size());

    auto cell = cells.begin();
    const std::string margin(rank > 2 ? label_width + 2 : 0, ' ');
    const auto row = [&](const std::string& before) {
        std::string text = before + "[";
        size_t column = text.size();
        for (size_t k = 0; k < columns.size(); k++) {
            const bool gap = columns[k] == left_out;
            const size_t needed = (gap ? 1 : width) + (k > 0 ? 1 : 0);
            if (k > 0 && column + needed + 2 > static_cast<size_t>(std::max(options.line_width, 0))) {
                text += "\n" + std::string(before.size() + 1, ' ');
                column = before.size() + 1;
            } else if (k > 0) {
                text += ' ';
            }
            column += needed;
            text += gap ? ellipsis : fmt::format("{:>{}}", *cell++, width);
        }
        return text + "]";
    };
    if (rank == 1) return row("");
    std::string out;
    for (int64_t a : outer0) {
        if (a == left_out) out += std::string(ellipsis) + "\n";
        for (int64_t b : outer1) {
            if (a == left_out) break;
            if (b == left_out) {
                out += std::string(ellipsis) + "\n";
                continue;
            }
            const std::string place = rank > 2 ? fmt::format("{:<{}}", label(a, b), label_width + 2) : "";
            for (size_t k = 0; k < rows.size(); k++) {
                const std::string before = (k == 0 ? place : margin) + (k == 0 ? "[" : " ");
                out += rows[k] == left_out ? margin + " " + ellipsis : row(before);
                out += k + 1 == rows.size() ? "]\n" : "\n";
            }
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
