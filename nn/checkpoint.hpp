#pragma once
#include <map>
#include <string>

#include "core/random.hpp"
#include "nn/module.hpp"
#include "nn/optimizer.hpp"

/// Weights and checkpoints as safetensors files, written whole or not at all. Loading compares everything first: where
/// something doesn't fit, the Error names each tensor that is missing, too many, or of another shape or type, and
/// nothing has changed.
namespace unroll {

/// The parameters, and tensors that belong to them, under their dotted names.
void save_weights(const std::string& path, Module& module, Where at = {});
/// Copies them into the module. Of a checkpoint it takes the weights.
void load_weights(const std::string& path, Module& module, Where at = {});

/// What a run needs to go on, beside weights, optimiser and generator.
struct Progress {
    std::map<std::string, double> numbers = {};             // step, place in the text, best loss so far, ...
    std::map<std::string, Tensor> tensors = {};             // the state carried into the next chunk, ...
    std::map<std::string, std::string> configuration = {};  // what the run was started with, UTF-8
    std::string path = {};                                  // of the file it was loaded from

    /// Throw Error where there is none of that name.
    double number(const std::string& name) const;
    const Tensor& tensor(const std::string& name) const;
};

/// All of a training run in one file. A run that loads it goes on with the same bits as if it had not stopped.
void save_checkpoint(const std::string& path, Module& module, const Optimizer& optimizer, const Generator& generator,
                     const Progress& progress, Where at = {});
Progress load_checkpoint(const std::string& path, Module& module, Optimizer& optimizer, Generator& generator,
                         Where at = {});

/// The configuration alone: what one must know to make the module and the optimiser that load_checkpoint fills.
std::map<std::string, std::string> load_configuration(const std::string& path);
/// Throws Error where the file's is not `ours`, but for what it has besides.
void check_configuration(const std::string& path, const std::map<std::string, std::string>& ours);

}  // namespace unroll
