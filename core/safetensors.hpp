#pragma once
#include <map>
#include <string>
#include <variant>

#include "core/ids.hpp"
#include "core/tensor.hpp"

namespace unroll {

/// What a safetensors file holds: PyTorch's and Hugging Face's format for weights, a JSON header and raw little-endian
/// numbers (https://github.com/huggingface/safetensors, section "Format"). F32 and F64 are Tensors; I64 and I32 are
/// Ids, written as I64.
struct SafeTensors {
    std::map<std::string, std::string> metadata;
    std::map<std::string, std::variant<Tensor, Ids>> tensors;
    std::string path;  // it was read from, for messages

    bool has(const std::string& name) const { return tensors.count(name) != 0; }
    /// Throw Error, with the file's name, where there is none of this name and kind.
    const Tensor& tensor(const std::string& name) const;
    const Ids& ids(const std::string& name) const;
    const std::string& setting(const std::string& key) const;  // of the metadata
};

/// Throws Error naming file and place for whatever isn't such a file: truncated, sizes or offsets that don't fit,
/// holes, names that come twice, other types (F16, BF16, ...), ids outside 32 bits, more than 4 dimensions. Numbers are
/// read straight to where they stay.
SafeTensors load_safetensors(const std::string& path);

/// The same content gives the same bytes, those of the reference implementation; `path` is replaced at once or not at
/// all (write_file_atomically).
void save_safetensors(const std::string& path, const SafeTensors& content);

}  // namespace unroll
