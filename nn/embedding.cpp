#include "nn/embedding.hpp"

#include "core/ops/lookup.hpp"

namespace unroll {

Embedding::Embedding(const EmbeddingOptions& options, Generator& gen, Where at) {
    if (options.vocabulary.size < 1 || options.embedding_size.size < 1)
        fail("Embedding", at, "vocabulary {}, embedding_size {}: each must be 1 or more", options.vocabulary.size,
             options.embedding_size.size);
    E = Parameter("E", Tensor::empty({options.vocabulary, options.embedding_size}, options.dtype));
    gen.fill_normal(E.value, 0, 1);
}

Var Embedding::operator()(Tape& tape, const Ids& ids, Where at) const {
    const Var rows = tape.watch(E);
    return embedding(Operand(rows, at), ids);
}

std::string Embedding::pretty() const {
    return fmt::format("Embedding(vocabulary={}, embedding_size={})", E.value.dim(0), E.value.dim(1));
}

}  // namespace unroll
