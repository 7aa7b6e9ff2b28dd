#pragma once

#include <string>

#include "core/safetensors.hpp"

namespace unroll {

/// What of a file doesn't fit, gathered before anything changes: one Error names it all, or the first twenty.
class Mismatches {
  public:
    void add(const std::string& what) {
        if (++count_ <= 20) list_ += (list_.empty() ? "" : "; ") + what;
    }
    /// The file's tensor of this name; null where there is none of floating-point numbers, which counts as a mismatch.
    const Tensor* find(const SafeTensors& file, const std::string& name) {
        const auto found = file.tensors.find(name);
        const bool there = found != file.tensors.end();
        const Tensor* t = there ? std::get_if<Tensor>(&found->second) : nullptr;
        if (t == nullptr) add(name + (there ? " holds whole numbers in the file" : " is not in the file"));
        return t;
    }
    /// Throws the Error where there are any: "OPERATION (FILE:LINE): SUBJECT doesn't fit: ...".
    void check(const char* operation, Where at, const std::string& subject) const {
        if (count_ == 0) return;
        const std::string more = count_ > 20 ? fmt::format("; and {} more", count_ - 20) : "";
        fail(operation, at, "{} doesn't fit: {}{}", subject, list_, more);
    }

  private:
    int count_ = 0;
    std::string list_;
};

}  // namespace unroll
