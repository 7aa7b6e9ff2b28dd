#include "models/pair_trainer.hpp"

#include "nn/checkpoint.hpp"

namespace unroll {

PairTrainer::PairTrainer(Module& model, double dropout, const PairIds& train, const PairIds& valid,
                         const PairBatchOptions& batches, const Training& options, Where at)
    : Trainer("PairTrainer", model, options, batches.seed, at),
      train_(train),
      valid_(valid),
      batching_(batches),
      probability_(dropout),
      batches_(train.sources, train.targets, batches, at) {
    for (const PairIds* pairs : {&train, &valid})
        for (const auto* sentences : {&pairs->sources, &pairs->targets, &pairs->forms})
            data_ = fingerprint(*sentences, data_);
}

Trainer::Counted PairTrainer::next_loss(Tape& tape, Generator& dropout) {
    const PairBatches::Batch b = batches_.next();
    return {batch_loss(tape, b, &dropout), b.target_tokens};
}

std::map<std::string, std::string> PairTrainer::configuration() const {
    std::map<std::string, std::string> all = {
        {"batches", fmt::format("{} sentences or {} words at most, {}, {}, words {} {} {}, dropout {}, seed {}",
                                batching_.sentences, batching_.tokens, batching_.by_length ? "by length" : "mixed",
                                batching_.shuffle ? "shuffled" : "in order", batching_.pad, batching_.bos,
                                batching_.eos, probability_, batching_.seed)},
        {"pairs", fmt::format("{} to learn from, {} to validate with, fingerprint {:016x}", train_.sources.size(),
                              valid_.sources.size(), data_)}};
    all.insert(more_.begin(), more_.end());
    return all;
}

}  // namespace unroll
