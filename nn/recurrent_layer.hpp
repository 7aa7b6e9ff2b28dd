#pragma once
#include <memory>

#include "nn/recurrent.hpp"

namespace unroll {

enum class CellKind { rnn, lstm, gru };

struct RecurrentOptions {
    CellKind cell = CellKind::lstm;
    int64_t input_size = 0, hidden_size = 0;
    DType dtype = DType::f32;
    int64_t num_layers = 1;
    bool bidirectional = false;
    double dropout = 0;  // between the layers
    bool variational = false;
};

/// The layer of a model whose user chooses the cell: tanh RNN, LSTM with a forget bias of 1, or GRU with the reset
/// after the matrix. Copies of the pointer are the same layer.
std::shared_ptr<RecurrentLayer> recurrent_layer(const RecurrentOptions& options, Generator& gen, Where at = {});

}  // namespace unroll
