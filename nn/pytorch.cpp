#include "nn/pytorch.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "core/ops/elementwise.hpp"
#include "core/safetensors.hpp"

namespace unroll {
namespace {

/// f(cell, "_l0_reverse") for all cells.
template <class F>
void each_cell(Rnn& rnn, F f) {
    for (int64_t layer = 0; layer < rnn.options().num_layers; layer++)
        for (int64_t d = 0; d < rnn.directions(); d++)
            f(rnn.cell(layer, d == 1), fmt::format("_l{}{}", layer, d == 1 ? "_reverse" : ""));
}

}  // namespace

void load_pytorch(const std::string& path, Rnn& rnn, const std::string& prefix) {
    const SafeTensors file = load_safetensors(path);
    std::string problems;
    std::vector<std::pair<Tensor, Tensor>> copies;  // to, from
    size_t known = 0;
    const auto read = [&](const std::string& name, const Tensor& like) {
        if (!file.has(prefix + name)) return problems += "; " + prefix + name + " is not in the file", Tensor();
        known++;
        const Tensor t = file.tensor(prefix + name).to(like.dtype());
        if (t.shape() == like.shape()) return t;
        problems += fmt::format("; {} is {} in the file, {} here", prefix + name, t.shape().str(), like.shape().str());
        return Tensor();
    };
    each_cell(rnn, [&](RnnCell& cell, const std::string& suffix) {
        copies.emplace_back(cell.W_xh.value, read("weight_ih" + suffix, cell.W_xh.value));
        copies.emplace_back(cell.W_hh.value, read("weight_hh" + suffix, cell.W_hh.value));
        const Tensor b_ih = read("bias_ih" + suffix, cell.b_h.value), b_hh = read("bias_hh" + suffix, cell.b_h.value);
        if (b_ih.defined() && b_hh.defined()) copies.emplace_back(cell.b_h.value, b_ih + b_hh);
    });
    size_t there = 0;
    for (const auto& [name, value] : file.tensors) there += name.compare(0, prefix.size(), prefix) == 0;
    if (there > known)
        problems += fmt::format("; the file has {} tensors of this module, {} are known here", there, known);
    if (!problems.empty()) throw Error(path + ": not the weights of " + rnn.pretty() + ": " + problems.substr(2));
    for (auto& [to, from] : copies) to.copy_from(from);
}

void save_pytorch(const std::string& path, Rnn& rnn, const std::string& prefix) {
    SafeTensors file;
    each_cell(rnn, [&](RnnCell& cell, const std::string& suffix) {
        file.tensors[prefix + "weight_ih" + suffix] = cell.W_xh.value;
        file.tensors[prefix + "weight_hh" + suffix] = cell.W_hh.value;
        file.tensors[prefix + "bias_ih" + suffix] = cell.b_h.value;
        file.tensors[prefix + "bias_hh" + suffix] = Tensor::zeros(cell.b_h.value.shape(), cell.b_h.value.dtype());
    });
    save_safetensors(path, file);
}

}  // namespace unroll
