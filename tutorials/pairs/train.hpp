#pragma once
#include <fmt/format.h>

#include <filesystem>

#include "models/pair_trainer.hpp"
#include "tutorials/lesson/door.hpp"
#include "tutorials/pairs/program.hpp"

namespace unroll {

/// Trains a Translator or Summariser on the pairs of the call, or goes on from its folder. False where it was stopped.
/// Throws Error where the folder holds another model, or one of other pairs or another training.
template <class Model, class Trainer, class ModelOptions>
bool train_in_folder(const PairCall& call, PairColumns columns, const ModelOptions& options, PairBatchOptions batches,
                     Training training) {
    if (call.steps > 0) training.steps = call.steps;
    const bool own = !call.train.empty();
    if (own) columns = {};
    const std::string checkpoint = call.folder + "/model";
    const auto train = load_pairs(call.file("train"), columns), valid = load_pairs(call.file("valid"), columns);
    lesson::door::prepare_file(checkpoint);
    Generator gen(call.seed);
    Model model(train, options, gen);
    const PairIds train_ids = model.ids(train), valid_ids = model.ids(valid);
    batches = model.batches(batches);
    batches.seed = call.seed;
    Trainer trainer(model.model, train_ids, valid_ids, batches, training);
    if (std::filesystem::exists(checkpoint))
        trainer.resume(checkpoint);
    else
        model.save_text(call.folder);
    fmt::print("{}\n{} pairs, {} steps of {} batches a pass\n", model.model.pretty(), train.size(), training.steps,
               trainer.batches());
    auto configuration = model.configuration();
    configuration["set"] = own ? "" : call.set;
    return run_training(trainer, training.steps, checkpoint, configuration);
}

}  // namespace unroll
