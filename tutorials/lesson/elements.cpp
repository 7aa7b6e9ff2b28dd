#include "tutorials/lesson/elements.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/print.hpp"
#include "tutorials/lesson/text.hpp"

namespace unroll::lesson {

Grid::Grid(const Tensor& matrix, Where at) {
    if (!matrix.defined() || matrix.rank() < 1 || matrix.rank() > 2)
        fail("heatmap", at,
             "expected a matrix, got " + (matrix.defined() ? matrix.shape().str() : "a tensor without storage"));
    rows = matrix.rank() == 2 ? static_cast<int>(matrix.dim(0)) : 1;
    columns = static_cast<int>(matrix.dim(-1));
    values = matrix.to_vector();
}

Grid::Grid(int rows, int columns, std::vector<double> values, Where at)
    : rows(rows), columns(columns), values(std::move(values)) {
    if (rows < 0 || columns < 0 || this->values.size() != static_cast<size_t>(rows) * static_cast<size_t>(columns))
        fail("heatmap", at, fmt::format("{} values for {} rows and {} columns", this->values.size(), rows, columns));
}

Cells cells(const Table& table) {
    size_t columns = table.header.size();
    for (const auto& row : table.rows) columns = std::max(columns, row.size());
    Cells out{std::vector(table.rows.size(), std::vector<std::string>(columns)), std::vector<bool>(columns)};
    for (size_t c = 0; c < columns; c++) {
        std::vector<double> column;
        bool text = false;  // a column of numbers, or of places [0, 1], may have blanks and dashes
        for (const auto& row : table.rows) {
            if (c >= row.size()) continue;
            if (row[c].is_number)
                column.push_back(row[c].number);
            else
                text = text || row[c].text.find_first_not_of("0123456789+-.,e%–—∞[] ") != std::string::npos;
        }
        auto formatted = numbers(column);
        out.right[c] = !text;
        size_t next = 0;
        for (size_t r = 0; r < table.rows.size(); r++)
            if (c < table.rows[r].size())
                out.rows[r][c] = table.rows[r][c].is_number ? formatted[next++] : clean(table.rows[r][c].text);
    }
    return out;
}

std::vector<std::string> value_lines(const Tensor& value) {
    return split(to_string(value, {.threshold = 200, .line_width = 76}), "\n");
}

Table gradcheck_table(const std::string& caption, const GradCheck& result) {
    Table table{.caption = caption,
                .header = {"gradient of", "entries", "worst entry", "analytic", "numeric", "rel. error"}};
    for (const GradEntry& worst : result.inputs) {
        std::string place = fmt::format("[{}]", fmt::join(worst.index, ", "));
        if (worst.direction >= 0) place = fmt::format("direction {}", worst.direction);
        table.rows.push_back({worst.input, worst.entries, place, fmt::format("{:.10g}", worst.analytic),
                              fmt::format("{:.10g}", worst.numeric), fmt::format("{:.1e}", worst.error)});
    }
    return table;
}

}  // namespace unroll::lesson
