#include "models/seq2seq_trainer.hpp"

namespace unroll {

Seq2Seq::Source source_of(const PairBatches::Batch& batch, const PairIds& pairs) {
    Seq2Seq::Source source{.words = batch.source, .lengths = batch.source_lengths};
    if (pairs.forms.empty()) return source;
    source.forms = Ids::empty(batch.source.shape());
    std::fill_n(source.forms.mutable_data(), source.forms.size(), 0);
    const auto B = batch.pairs.size();
    for (size_t b = 0; b < B; b++) {
        const std::vector<int32_t>& forms = pairs.forms[size_t(batch.pairs[b])];
        for (size_t i = 0; i < forms.size(); i++) source.forms.mutable_data()[i * B + b] = forms[i];
    }
    return source;
}

double evaluate(const Seq2Seq& model, const PairIds& pairs, const PairBatchOptions& options) {
    return mean_loss(pairs, options, [&](Tape& tape, const PairBatches::Batch& b) {
        return model.loss(tape, source_of(b, pairs), b.inputs, b.targets, {.padding = options.pad});
    });
}

Seq2SeqTrainer::Seq2SeqTrainer(Seq2Seq& model, const PairIds& train, const PairIds& valid,
                               const PairBatchOptions& batches, const Seq2SeqTraining& options, Where at)
    : PairTrainer(model, model.options().dropout, train, valid, batches, options, at), model_(model) {}

Var Seq2SeqTrainer::batch_loss(Tape& tape, const PairBatches::Batch& b, Generator* dropout) const {
    return model_.loss(tape, source_of(b, train_), b.inputs, b.targets,
                       {.padding = batching_.pad, .label_smoothing = options_.label_smoothing, .dropout = dropout});
}

}  // namespace unroll
