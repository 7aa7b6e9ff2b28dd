#pragma once
#include <string>

#include "core/ids.hpp"
#include "core/tensor.hpp"
#include "core/var.hpp"

namespace unroll {

struct PrintOptions {
    int precision = 4;         // digits after the point, at most 17
    int64_t threshold = 1000;  // with more elements than this, only the edges of each dimension are shown
    int64_t edge_items = 3;    // how many at each edge
    int line_width = 100;      // columns; longer rows are wrapped
};

/// Shape with axis names, type, and the numbers as NumPy lays them out: aligned, all in one format (whole numbers,
/// fixed or scientific, whichever those shown need), "…" for what is left out. From 3 dimensions on each matrix is
/// labelled with its place:
///
///     [T=2, B=2, H=3] f32
///     t=0  [[ 0.250 -1.500  0.750]
///           [ 1.000  0.125  2.000]]
///     t=1  [[ 0.000  0.000  0.000]
///           [ 0.500  0.500  0.500]]
///
/// A scalar is one line, "[] f32 1.256". No line end at the end.
std::string to_string(const Tensor& t, const PrintOptions& options = {});
std::string to_string(const Ids& ids, const PrintOptions& options = {});

/// To standard output, with a line end; the name stands before the shape.
void print(const std::string& name, const Tensor& t, const PrintOptions& options = {});
void print(const std::string& name, const Ids& ids, const PrintOptions& options = {});
inline void print(const Tensor& t, const PrintOptions& options = {}) { print("", t, options); }
inline void print(const Ids& ids, const PrintOptions& options = {}) { print("", ids, options); }
inline void print(const Var& v, const PrintOptions& options = {}) { print("", v.value(), options); }
inline void print(const std::string& name, const Var& v, const PrintOptions& options = {}) {
    print(name, v.value(), options);
}

}  // namespace unroll
