#include "models/captioner_trainer.hpp"

#include <algorithm>

#include "data/augment.hpp"

namespace unroll {

void CaptionIds::add(Picture picture, const std::vector<std::vector<int32_t>>& captions) {
    uint32_t sum = 2166136261;  // FNV-1a
    for (uint8_t byte : picture.pixels) sum = (sum ^ byte) * 16777619;
    for (const auto& caption : captions) {
        pairs.sources.push_back({int32_t(pictures.size()), int32_t(sum >> 1)});
        pairs.targets.push_back(caption);
    }
    pictures.push_back(std::move(picture));
}

/// A batch's pictures, moved by up to `shift` pixels.
static Tensor pictures_of(const PairBatches::Batch& b, const CaptionIds& captions, int64_t shift, Generator* gen) {
    std::vector<Picture> pictures;
    for (size_t i = 0; i < b.pairs.size(); i++) {
        const Picture& p = captions.pictures[size_t(b.source[int64_t(i)])];
        if (gen == nullptr || shift == 0) {
            pictures.push_back(p);
        } else {
            const int64_t down = gen->below(2 * shift + 1) - shift;
            pictures.push_back(shifted(p, down, gen->below(2 * shift + 1) - shift));
        }
    }
    return to_tensor(pictures);
}

Ids scheduled_inputs(const CaptionNetwork& network, CaptionNetwork::Encoded x, const Ids& before, double epsilon,
                     Generator& gen) {
    Tape tape(Tape::Mode::forward_only);
    const auto without_gradient = [&](Var& part) { part = given(part) ? tape.constant(part.value()) : part; };
    x.each(without_gradient), x.start.each(without_gradient);
    Ids fed = before.clone();
    const int64_t T = before.shape()[0], B = before.shape()[1];
    States s = x.start;
    for (int64_t t = 1; t < T; t++) {
        const Tensor scores = network.scores(network.decode(x, fed.slice(t - 1, t), s).h).value()[0];
        for (int64_t b = 0; b < B; b++) {
            if (gen.uniform() < epsilon) continue;
            const std::vector<double> row = scores[b].to_vector();
            fed.mutable_data()[t * B + b] = int32_t(std::max_element(row.begin(), row.end()) - row.begin());
        }
    }
    return fed;
}

double evaluate(const CaptionNetwork& network, const CaptionIds& captions, const PairBatchOptions& options) {
    return mean_loss(captions.pairs, options, [&](Tape& tape, const PairBatches::Batch& b) {
        const auto x = network.encode(tape, pictures_of(b, captions, 0, nullptr));
        return network.loss(x, b.inputs, b.targets, options.pad);
    });
}

CaptionTrainer::CaptionTrainer(CaptionNetwork& network, const CaptionIds& train, const CaptionIds& valid,
                               int32_t unknown, const PairBatchOptions& batches, const CaptionTraining& options,
                               Where at)
    : PairTrainer(network, network.options().dropout, train.pairs, valid.pairs, batches, options, at),
      network_(network),
      learnt_(train),
      others_(valid),
      unknown_(unknown),
      training_(options) {
    if (!(options.word_dropout >= 0 && options.word_dropout <= 1) || options.shift < 0 || options.label_smoothing != 0)
        fail("CaptionTrainer", at, "word_dropout {}, shift {}, label_smoothing {}: expected 0 to 1, 0 or more, and 0",
             options.word_dropout, options.shift, options.label_smoothing);
    more_["captions"] = fmt::format("words dropped {} to {}, shifts of {}, sampling {}", options.word_dropout, unknown,
                                    options.shift, options.sampling ? options.sampling->str() : "none");
}

Var CaptionTrainer::batch_loss(Tape& tape, const PairBatches::Batch& b, Generator* gen) const {
    const auto x = network_.encode(tape, pictures_of(b, learnt_, training_.shift, gen), true);
    Ids fed = b.inputs.clone();
    if (training_.sampling) {
        Generator choice(batching_.seed, uint64_t(2 + steps_done()));  // dropout's draws stay the same
        fed = scheduled_inputs(network_, x, fed, training_.sampling->epsilon(steps_done()), choice);
    }
    const int64_t B = fed.shape()[1];
    for (int64_t i = B; training_.word_dropout > 0 && i < fed.size(); i++)
        if (gen->uniform() < training_.word_dropout) fed.mutable_data()[i] = unknown_;
    return network_.loss(x, fed, b.targets, batching_.pad, gen);
}

double CaptionTrainer::validate() const { return evaluate(network_, others_, batching_); }

}  // namespace unroll
