#pragma once
#include <string>
#include <vector>

#include "core/file.hpp"

/// The cells of a file of data/metric-vectors, a row a line; where they stand: "\n" for a line break.
inline std::vector<std::vector<std::string>> metric_vectors(const std::string& name) {
    const std::string text = unroll::read_file(UNROLL_ROOT "/data/metric-vectors/" + name);
    std::vector<std::vector<std::string>> rows(1);
    std::string cell;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == '\t' || text[i] == '\n') {
            rows.back().push_back(cell);
            cell.clear();
            if (text[i] == '\n') rows.emplace_back();
        } else if (text[i] == '\\' && text.compare(i, 2, "\\n") == 0 && name == "rouge.tsv") {
            cell += '\n';
            i++;
        } else {
            cell += text[i];
        }
    }
    rows.pop_back();
    return rows;
}
