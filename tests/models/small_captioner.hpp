#pragma once
#include "models/caption_network.hpp"

namespace unroll {

/// Small enough for every entry of its gradients to be checked: 7 words, pictures of 12 x 12 and 3 x 3 regions.
inline CaptionNetworkOptions small_captioner(bool attention, DType dtype = DType::f64) {
    return {.vocabulary = 7,
            .picture_size = 12,
            .channels = 2,
            .features = 3,
            .attention = attention,
            .embedding_size = 3,
            .hidden_size = 4,
            .attention_size = 3,
            .dtype = dtype};
}

}  // namespace unroll
