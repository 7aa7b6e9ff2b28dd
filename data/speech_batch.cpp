#include "data/speech_batch.hpp"

#include <algorithm>

#include "core/kernels/parallel.hpp"

namespace unroll {

SpeechBatch speech_batch(const std::vector<Tensor>& features, const std::vector<std::vector<int>>& labels, Where at) {
    if (features.empty() || features.size() != labels.size())
        fail("speech_batch", at, "{} recordings, {} strings of labels", features.size(), labels.size());
    const auto B = int64_t(features.size()), F = features[0].dim(-1);
    int64_t T = 0, S = 1;
    std::vector<int32_t> lengths, label_lengths;
    for (size_t b = 0; b < features.size(); b++) {
        const Tensor& x = features[b];
        if (x.rank() != 2 || x.dim(1) != F || x.dtype() != DType::f32)
            fail("speech_batch", at, "recording {} is {}, expected [T, {}] in f32", b, x.shape().str(), F);
        lengths.push_back(int32_t(x.dim(0))), label_lengths.push_back(int32_t(labels[b].size()));
        T = std::max(T, x.dim(0)), S = std::max(S, int64_t(labels[b].size()));
    }
    SpeechBatch batch{Tensor::zeros({{T, 'T'}, {B, 'B'}, {F, 'F'}}),
                      {Ids::empty({{B, 'B'}, {S, 'S'}}), Ids(lengths), Ids(label_lengths)}};
    int32_t* classes = batch.targets.labels.mutable_data();
    std::fill_n(classes, B * S, 1);
    float* x = batch.x.mutable_data<float>();
    for (int64_t b = 0; b < B; b++) {
        const Tensor& from = features[size_t(b)];
        for (int64_t t = 0; t < from.dim(0); t++) std::copy_n(from.data<float>() + t * F, F, x + (t * B + b) * F);
        for (size_t i = 0; i < labels[size_t(b)].size(); i++) classes[size_t(b * S) + i] = labels[size_t(b)][i] + 1;
    }
    return batch;
}

std::vector<Tensor> made_by_workers(int64_t n, const std::function<Tensor(int64_t)>& make) {
    struct Plain {
        Shape shape;
        std::vector<float> values;
    };
    std::vector<Plain> plain(static_cast<size_t>(n));
    kernels::parallel(n, [&](int64_t i) {
        const Tensor made = make(i);
        plain[size_t(i)] = {made.shape(), {made.data<float>(), made.data<float>() + made.size()}};
    });
    std::vector<Tensor> all;
    for (const Plain& p : plain) {
        all.push_back(Tensor::empty(p.shape));
        std::copy(p.values.begin(), p.values.end(), all.back().mutable_data<float>());
    }
    return all;
}

}  // namespace unroll
