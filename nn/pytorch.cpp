#include "nn/pytorch.hpp"

#include <set>
#include <utility>
#include <vector>

#include "core/ops/elementwise.hpp"
#include "core/ops/shape.hpp"
#include "nn/batch_norm.hpp"
#include "nn/conv.hpp"
#include "nn/embedding.hpp"
#include "nn/gru.hpp"
#include "nn/layer_norm.hpp"
#include "nn/linear.hpp"
#include "nn/lstm.hpp"
#include "nn/mismatch.hpp"
#include "nn/rnn.hpp"

namespace unroll {
namespace {

/// A gate's rows of a tensor of PyTorch's, and what they are here.
struct Rows {
    Tensor here;         // a view of a parameter
    double factor = 1;   // -1 for z
    bool added = false;  // to what is there already; written as zeros
};

/// One tensor of PyTorch's: its name, and its rows from the top.
struct Entry {
    std::string name;
    std::vector<Rows> rows;
    Shape shape() const {
        const Shape& s = rows[0].here.shape();
        return s.with(0, {s[0] * int64_t(rows.size()), s.axis(0)});
    }
};

/// The gates of a cell, a letter each, in the order of the rows here and of PyTorch's (whose g is C̃ and n is h̃).
struct Gates {
    std::string here, there;
};

const Parameter& bias(const RnnCell& cell) { return cell.b_h; }
const Parameter& bias(const LstmCell& cell) { return cell.b; }
const Parameter& bias(const GruCell& cell) { return cell.b; }

/// A module as a list of PyTorch's tensors.
class StateDict final : public Visitor {
  public:
    StateDict(const char* operation, Module& root, const std::string& prefix, Where at)
        : operation_(operation), at_(at) {
        module(prefix, root);
    }
    std::vector<Entry> entries;
    std::set<std::string> ignored;  // what a file may hold besides

  protected:
    void module(const std::string& prefix, Module& m) override {
        if (auto* linear = dynamic_cast<Linear*>(&m)) {
            plain(prefix, {{"weight", linear->W.value}, {"bias", linear->b.value}});
        } else if (auto* embedding = dynamic_cast<Embedding*>(&m)) {
            plain(prefix, {{"weight", embedding->E.value}});
        } else if (auto* norm = dynamic_cast<LayerNorm*>(&m)) {
            plain(prefix, {{"weight", norm->weight.value}, {"bias", norm->bias.value}});
        } else if (auto* conv = dynamic_cast<Conv2d*>(&m)) {
            plain(prefix, {{"weight", conv->W.value}, {"bias", conv->b.value}});
        } else if (auto* batch_norm = dynamic_cast<BatchNorm*>(&m)) {
            plain(prefix, {{"weight", batch_norm->weight.value},
                           {"bias", batch_norm->bias.value},
                           {"running_mean", batch_norm->running_mean},
                           {"running_var", batch_norm->running_var}});
            ignored.insert(prefix + "num_batches_tracked");
        } else if (auto* rnn = dynamic_cast<Rnn*>(&m)) {
            if (rnn->options().activation == Activation::logistic) refuse(m);
            add(prefix, *rnn, {"h", "h"});
        } else if (auto* lstm = dynamic_cast<Lstm*>(&m)) {
            if (lstm->options().coupled || lstm->options().peephole != Peephole::none) refuse(m);
            add(prefix, *lstm, {lstm->cell(0).gates(), "ifCo"});
        } else if (auto* gru = dynamic_cast<Gru*>(&m)) {
            if (!gru->options().reset_after) refuse(m);
            add(prefix, *gru, {gru->cell(0).gates(), "rzh"});
        } else {
            const Module* outside = std::exchange(inside_, &m);
            m.visit(*this);
            inside_ = outside;
        }
    }
    void parameter(const std::string&, Parameter&) override { refuse(*inside_); }

  private:
    /// Tensors that are the same here, where they are.
    void plain(const std::string& prefix, const std::vector<std::pair<const char*, Tensor>>& list) {
        for (const auto& [name, t] : list)
            if (t.defined()) entries.push_back({prefix + name, {{t}}});
    }
    template <class Cell>
    void add(const std::string& prefix, Recurrent<Cell>& layers, const Gates& gates) {
        for (int64_t layer = 0; layer < layers.options().num_layers; layer++)
            for (int64_t d = 0; d < layers.directions(); d++) {
                Cell& cell = layers.cell(layer, d == 1);
                const std::string suffix = fmt::format("_l{}{}", layer, d == 1 ? "_reverse" : "");
                entries.push_back({prefix + "weight_ih" + suffix, reordered(cell.W_xh, gates)});
                entries.push_back({prefix + "weight_hh" + suffix, reordered(cell.W_hh, gates)});
                entries.push_back({prefix + "bias_ih" + suffix, reordered(bias(cell), gates)});
                entries.push_back({prefix + "bias_hh" + suffix, reordered(bias(cell), gates, true)});
                if constexpr (requires { cell.b_hh; }) entries.back().rows.back() = {cell.b_hh.value};
            }
    }
    static std::vector<Rows> reordered(const Parameter& p, const Gates& gates, bool added = false) {
        const int64_t H = p.value.dim(0) / int64_t(gates.here.size());
        std::vector<Rows> rows;
        for (const char gate : gates.there) {
            const int64_t k = int64_t(gates.here.find(gate));
            rows.push_back({p.value.slice(k * H, (k + 1) * H), gate == 'z' ? -1.0 : 1.0, added});
        }
        return rows;
    }
    [[noreturn]] void refuse(const Module& m) const {
        fail(operation_, at_, "PyTorch has no module like " + m.pretty());
    }

    const char* operation_;
    Where at_;
    const Module* inside_ = nullptr;
};

}  // namespace

void from_pytorch(const SafeTensors& file, Module& module, const std::string& prefix, Where at) {
    const StateDict dict("load_pytorch", module, prefix, at);
    Mismatches problems;
    std::set<std::string> known = dict.ignored;
    for (const Entry& e : dict.entries) {
        known.insert(e.name);
        const Shape expected = e.shape();
        const Tensor* t = problems.find(file, e.name);
        if (t == nullptr || t->shape() == expected) continue;
        const bool transposed = expected.rank() == 2 && t->shape() == Shape{expected[1], expected[0]};
        problems.add(fmt::format("{} is {} in the file, {} here{}", e.name, t->shape().str(), expected.str(),
                                 transposed ? " (transposed, it seems)" : ""));
    }
    for (const auto& [name, value] : file.tensors)
        if (name.compare(0, prefix.size(), prefix) == 0 && known.count(name) == 0)
            problems.add(in_quotes(name) + " is in the file only");
    problems.check("load_pytorch", at, fmt::format("{} into {}", file.path, module.pretty()));
    for (const Entry& e : dict.entries) {
        int64_t begin = 0;
        for (Rows to : e.rows) {
            const int64_t n = to.here.dim(0);
            const Tensor rows = file.tensor(e.name).slice(begin, begin + n).to(to.here.dtype()) * to.factor;
            to.here.copy_from(to.added ? to.here + rows : rows);
            begin += n;
        }
    }
}

SafeTensors to_pytorch(Module& module, const std::string& prefix, Where at) {
    SafeTensors file;
    file.metadata["format"] = "pt";
    for (const Entry& e : StateDict("save_pytorch", module, prefix, at).entries) {
        std::vector<Tensor> rows;
        for (const Rows& r : e.rows)
            rows.push_back(r.added ? Tensor::zeros(r.here.shape(), r.here.dtype()) : r.here * r.factor);
        file.tensors[e.name] = concat(rows, 0, at);
    }
    return file;
}

void load_pytorch(const std::string& path, Module& module, const std::string& prefix, Where at) {
    from_pytorch(load_safetensors(path), module, prefix, at);
}

void save_pytorch(const std::string& path, Module& module, const std::string& prefix, Where at) {
    save_safetensors(path, to_pytorch(module, prefix, at));
}

}  // namespace unroll
