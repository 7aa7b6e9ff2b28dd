#pragma once
#include <optional>
#include <vector>

#include "data/picture.hpp"
#include "models/caption_network.hpp"
#include "models/pair_trainer.hpp"
#include "nn/schedule.hpp"

namespace unroll {

/// Pictures of one size, and captions, of which each knows its picture: a source is the number of the picture and a
/// checksum of its pixels.
struct CaptionIds {
    std::vector<Picture> pictures;
    PairIds pairs;

    /// captions without start and end.
    void add(Picture picture, const std::vector<std::vector<int32_t>>& captions);
};

struct CaptionTraining : Training {
    double word_dropout = 0;  // probability that a word before is given as the unknown one
    int64_t shift = 0;        // pictures are moved by up to so many pixels each way
    std::optional<ScheduledSampling> sampling = {};
};

/// The words that scheduled sampling feeds in place of `before` [T, B]: each true one with probability epsilon, else
/// the network's own, the one that is most probable after those fed so far (nothing is dropped meanwhile). The start
/// stays. No gradient flows through the choice.
Ids scheduled_inputs(const CaptionNetwork& network, CaptionNetwork::Encoded x, const Ids& before, double epsilon,
                     Generator& gen);

/// By teacher forcing, or scheduled sampling.
class CaptionTrainer final : public PairTrainer {
  public:
    /// Network and captions must outlive the trainer; `unknown` is the unknown word.
    CaptionTrainer(CaptionNetwork& network, const CaptionIds& train, const CaptionIds& valid, int32_t unknown,
                   const PairBatchOptions& batches, const CaptionTraining& options, Where at = {});

  private:
    Var batch_loss(Tape& tape, const PairBatches::Batch& batch, Generator* dropout) const override;
    double validate() const override;

    const CaptionNetwork& network_;
    const CaptionIds &learnt_, &others_;
    int32_t unknown_;
    CaptionTraining training_;
};

/// Mean -log P of a word, ends counted, in nats.
double evaluate(const CaptionNetwork& network, const CaptionIds& captions, const PairBatchOptions& batches);

}  // namespace unroll
