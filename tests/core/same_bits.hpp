#pragma once
#include <doctest/doctest.h>

#include <vector>

#include "core/kernels/parallel.hpp"
#include "core/tensor.hpp"

namespace unroll {

/// Calls compute() with 1, 2, 3 and 5 threads: the tensors it returns must be the same to the last bit.
template <class Compute>
void check_same_bits(Compute compute) {
    const int before = kernels::threads();
    std::vector<std::vector<double>> results;
    for (int threads : {1, 2, 3, 5}) {
        kernels::set_threads(threads);
        std::vector<double> all;
        for (const Tensor& t : compute())
            for (double v : t.to_vector()) all.push_back(v);
        results.push_back(all);
    }
    kernels::set_threads(before);
    for (const auto& r : results) CHECK(r == results[0]);
}

}  // namespace unroll
