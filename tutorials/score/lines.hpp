#pragma once
#include <string>
#include <vector>

namespace unroll::score {

/// The lines of a text file, without line ends (LF or CR LF) and byte order mark. The last one may have no end. Throws
/// Error, naming file and line, where the bytes are not UTF-8, and where the file has no lines.
std::vector<std::string> read_lines(const std::string& path);

/// Several files, read side by side, of equally many lines; throws Error naming two files and both numbers otherwise.
std::vector<std::vector<std::string>> read_files(const std::vector<std::string>& paths);

}  // namespace unroll::score
