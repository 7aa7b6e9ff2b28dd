#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/shape.hpp"

/// The JSON header of a safetensors file:
/// {"__metadata__": {KEY: STRING, ...}, NAME: {"dtype": STRING, "shape": [...], "data_offsets": [BEGIN, END]}, ...}
namespace unroll::safetensors {

struct Entry {
    std::string name, dtype;
    Shape shape;
    uint64_t begin = 0, end = 0;  // bytes, from the end of the header
};

struct Header {
    std::map<std::string, std::string> metadata;
    std::vector<Entry> entries;  // in the order of their data, one beginning where the one before ends, the first at 0
};

/// Throws Error naming `path`, the tensor and what is wrong. Bounded by the length of `text` in time and memory, and
/// without recursion, whatever the text.
Header parse(const std::string& text, const std::string& path);

/// Compact JSON, entries as they are given, filled with spaces so that the data begins at a multiple of 8 bytes. Throws
/// Error naming `path` where a name is reserved, or isn't valid UTF-8.
std::string write(const Header& header, const std::string& path);

/// A name as a file gives it: escaped, so that it can't break a message's line, and shortened.
std::string in_quotes(const std::string& name);

}  // namespace unroll::safetensors
