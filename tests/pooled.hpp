#pragma once
#include "core/tensor.hpp"

namespace unroll {

/// Whether released storage is used again; not so under the address sanitizer.
inline bool pooled() {
    Tensor::zeros({7});
    const int64_t before = memory_stats().heap_allocations;
    Tensor::zeros({7});
    return memory_stats().heap_allocations == before;
}

}  // namespace unroll
