#pragma once
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

}  // namespace unroll
