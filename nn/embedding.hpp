#pragma once
#include "core/ids.hpp"
#include "core/random.hpp"
#include "nn/module.hpp"

namespace unroll {

struct EmbeddingOptions {
    Dim vocabulary = 0, embedding_size = 0;
    DType dtype = DType::f32;
};

/// A vector for each word: x_t = E_{w_t}, E [V, D] (book: Word Embeddings). Starts normal, mean 0 and variance 1, as
/// PyTorch's.
class Embedding : public Module {
  public:
    Embedding() = default;
    Embedding(const EmbeddingOptions& options, Generator& gen, Where at = {});
    /// ids [..] to [.., D]; a tape, since ids are on none.
    Var operator()(Tape& tape, const Ids& ids, Where at = {}) const;

    void visit(Visitor& v) override { v("E", E); }
    std::string pretty() const override;

    Parameter E;
};

}  // namespace unroll
