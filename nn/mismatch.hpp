#pragma once

#include <string>

#include "core/error.hpp"

namespace unroll {

/// What of a file doesn't fit, gathered before anything changes: one Error names it all, or the first twenty.
class Mismatches {
  public:
    void add(const std::string& what) {
        if (++count_ <= 20) list_ += (list_.empty() ? "" : "; ") + what;
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
