#include <doctest/doctest.h>

#include <vector>

#include "core/kernels/transpose.hpp"

using namespace unroll::kernels;

TEST_CASE_TEMPLATE("transpose: every element, none beyond", T, float, double) {
    for (int64_t R : {0, 1, 3, 8, 16, 17, 33, 64})
        for (int64_t C : {0, 1, 2, 8, 15, 16, 40}) {
            const int64_t ld_from = C + 3, ld_to = R + 2;
            // The last row ends with its last element, for the address sanitizer to see what is read or written beyond.
            std::vector<T> from(static_cast<size_t>(R == 0 ? 0 : (R - 1) * ld_from + C));
            std::vector<T> to(static_cast<size_t>(C == 0 ? 0 : (C - 1) * ld_to + R), T(-1));
            for (size_t i = 0; i < from.size(); i++) from[i] = static_cast<T>(i);
            transpose(R, C, from.data(), ld_from, to.data(), ld_to);
            int64_t wrong = 0;
            for (int64_t i = 0; i < static_cast<int64_t>(to.size()); i++) {
                const int64_t c = i / ld_to, r = i % ld_to;
                wrong += to[static_cast<size_t>(i)] != (r < R ? static_cast<T>(r * ld_from + c) : T(-1));
            }
            CAPTURE(R);
            CAPTURE(C);
            CHECK(wrong == 0);
        }
}
