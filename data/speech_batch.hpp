#pragma once
#include <functional>
#include <vector>

#include "core/ops/ctc.hpp"

namespace unroll {

/// Recordings side by side, and what they say.
struct SpeechBatch {
    Tensor x;            // [T, B, F], zeros past a recording's end
    CtcTargets targets;  // class k + 1 is label k
};
SpeechBatch speech_batch(const std::vector<Tensor>& features, const std::vector<std::vector<int>>& labels,
                         Where at = {});

/// What `make` makes of 0 .. n-1, f32, by all threads. A Tensor belongs to the thread that made it: what the workers
/// make goes through plain memory.
std::vector<Tensor> made_by_workers(int64_t n, const std::function<Tensor(int64_t)>& make);

}  // namespace unroll
