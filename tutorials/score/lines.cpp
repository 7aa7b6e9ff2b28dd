#include "tutorials/score/lines.hpp"

#include <algorithm>

#include "core/file.hpp"
#include "core/kernels/parallel.hpp"
#include "data/text.hpp"

namespace unroll::score {
namespace {

bool is_ascii(std::string_view line) {
    unsigned char all = 0;  // without a way out of the loop, so that it runs many bytes at a time
    for (char c : line) all |= static_cast<unsigned char>(c);
    return all < 0x80;
}

}  // namespace

std::vector<std::string> read_lines(const std::string& path) {
    const std::string content = read_file(path);
    std::string_view rest = content;
    if (rest.substr(0, 3) == "\xEF\xBB\xBF") rest.remove_prefix(3);
    std::vector<std::string> lines;
    lines.reserve(static_cast<size_t>(std::count(rest.begin(), rest.end(), '\n')) + 1);
    while (!rest.empty()) {
        const size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (!is_ascii(line)) {
            try {
                decode_utf8(line, path);
            } catch (const Error&) {
                decode_utf8(content, path);  // knows the line
            }
        }
        lines.emplace_back(line);
    }
    if (lines.empty()) throw Error("{}: has no lines", path);
    return lines;
}

std::vector<std::vector<std::string>> read_files(const std::vector<std::string>& paths) {
    std::vector<std::vector<std::string>> files(paths.size());
    kernels::parallel(static_cast<int64_t>(paths.size()), [&](int64_t i) {
        const auto file = static_cast<size_t>(i);
        files[file] = read_lines(paths[file]);
    });
    for (size_t i = 1; i < files.size(); i++)
        if (files[i].size() != files[0].size())
            throw Error("{}: has {} lines, {} has {}", paths[i], files[i].size(), paths[0], files[0].size());
    return files;
}

}  // namespace unroll::score
