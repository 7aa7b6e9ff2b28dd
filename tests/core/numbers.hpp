#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/random.hpp"
#include "core/tensor.hpp"

inline const unroll::DType both_types[] = {unroll::DType::f32, unroll::DType::f64};

/// A few units in the last place, for sums of some dozens of numbers near 1.
inline double rounding(unroll::DType dtype) { return dtype == unroll::DType::f32 ? 2e-6 : 4e-15; }

inline unroll::Tensor random(const unroll::Shape& shape, unroll::DType dtype = unroll::DType::f64, uint64_t seed = 1) {
    unroll::Tensor t = unroll::Tensor::empty(shape, dtype);
    unroll::Generator(seed).fill_normal(t, 0, 1);
    return t;
}

/// Checks the shape, and every number to `tolerance` times the larger of 1 and the number expected; NaN equals NaN.
inline void check_close(const unroll::Tensor& got, const unroll::Shape& shape, const std::vector<double>& expected,
                        double tolerance) {
    REQUIRE(got.defined());
    if (!(got.shape() == shape)) FAIL_CHECK("the shape is " << got.shape().str() << ", expected " << shape.str());
    REQUIRE(got.size() == static_cast<int64_t>(expected.size()));
    for (size_t i = 0; i < expected.size(); i++) {
        const double x = got.flat(static_cast<int64_t>(i)), y = expected[i];
        if ((std::isnan(x) && std::isnan(y)) || x == y) continue;
        if (!(std::abs(x - y) <= tolerance * std::max(1.0, std::abs(y))))
            FAIL_CHECK("element " << i << " is " << x << ", expected " << y);
    }
}
inline void check_close(const unroll::Tensor& got, const unroll::Tensor& expected, double tolerance) {
    check_close(got, expected.shape(), expected.to_vector(), tolerance);
}
