// Our side of tests/pytorch_roundtrip: pytorch_roundtrip FOLDER loads FOLDER/weights.safetensors, a state_dict saved by
// PyTorch, into the module that the metadata of FOLDER/input.safetensors describes, runs it on the inputs there, and
// writes FOLDER/output.safetensors and, with the weights as they are then, FOLDER/back.safetensors.
#include <cstdio>
#include <memory>
#include <string>

#include "core/safetensors.hpp"
#include "nn/batch_norm.hpp"
#include "nn/conv.hpp"
#include "nn/embedding.hpp"
#include "nn/gru.hpp"
#include "nn/layer_norm.hpp"
#include "nn/linear.hpp"
#include "nn/lstm.hpp"
#include "nn/pytorch.hpp"
#include "nn/rnn.hpp"

using namespace unroll;

namespace {

/// A torch.nn.Module with members of these names.
struct Model : Module {
    explicit Model(Generator& gen)
        : embedding({.vocabulary = 11, .embedding_size = 6, .dtype = DType::f64}, gen),
          rnn({.input_size = 6, .hidden_size = 5, .dtype = DType::f64, .num_layers = 2}, gen),
          norm({.size = 5, .dtype = DType::f64}),
          out({.in = 5, .out = 11, .dtype = DType::f64}, gen) {}
    void visit(Visitor& v) override {
        v("embedding", embedding);
        v("rnn", rnn);
        v("norm", norm);
        v("out", out);
    }
    std::string pretty() const override { return "Model"; }
    Embedding embedding;
    Lstm rnn;
    LayerNorm norm;
    Linear out;
};

class Roundtrip {
  public:
    explicit Roundtrip(const std::string& folder)
        : folder_(folder), in_(load_safetensors(folder + "/input.safetensors")) {}

    void run() {
        const std::string& kind = in_.setting("module");
        if (kind == "RNN") {
            const bool relu = in_.setting("nonlinearity") == "relu";
            recurrent<Rnn>({.activation = relu ? Activation::relu : Activation::tanh});
        } else if (kind == "LSTM") {
            recurrent<Lstm>({});
        } else if (kind == "GRU") {
            recurrent<Gru>({.reset_after = true});
        } else if (kind == "Embedding") {
            Embedding layer({.vocabulary = number("vocabulary"), .embedding_size = number("size"), .dtype = DType::f64},
                            gen_);
            load(layer);
            output("y", layer(tape_, in_.ids("x")));
        } else if (kind == "Linear") {
            Linear layer(
                {.in = number("in"), .out = number("out"), .bias = in_.setting("bias") == "True", .dtype = DType::f64},
                gen_);
            load(layer);
            output("y", layer(x()));
        } else if (kind == "LayerNorm") {
            LayerNorm layer({.size = number("size"), .eps = std::stod(in_.setting("eps")), .dtype = DType::f64});
            load(layer);
            output("y", layer(x()));
        } else if (kind == "Conv2d") {
            Conv2d layer({.in = number("in"),
                          .out = number("out"),
                          .kernel = {number("height"), number("width")},
                          .stride = number("stride"),
                          .padding = number("padding"),
                          .bias = in_.setting("bias") == "True",
                          .dtype = DType::f64},
                         gen_);
            load(layer);
            output("y", layer(x()));
        } else if (kind == "BatchNorm") {
            BatchNorm layer({.channels = number("channels"), .dtype = DType::f64});
            load(layer);
            output("y", layer(x(), false));
        } else if (kind == "Model") {
            Model model(gen_);
            load(model);
            output("y", model.out(model.norm(model.rnn(model.embedding(tape_, in_.ids("x"))).y)));
        } else {
            throw Error("the module " + kind + " is not known");
        }
        save_safetensors(folder_ + "/output.safetensors", out_);
    }

  private:
    template <class Layer>
    void recurrent(typename Layer::Options options) {
        options.input_size = number("input_size");
        options.hidden_size = number("hidden_size");
        options.num_layers = number("num_layers");
        options.bidirectional = in_.setting("bidirectional") == "True";
        options.dtype = DType::f64;
        Layer layer(options, gen_);
        load(layer);
        RecurrentCall call;
        if (in_.has("h0")) call.initial.h = tape_.constant(in_.tensor("h0"));
        if (in_.has("c0")) call.initial.C = tape_.constant(in_.tensor("c0"));
        if (in_.has("lengths")) call.lengths = in_.ids("lengths");
        const RecurrentOutput out = layer(x(), call);
        output("y", out.y);
        output("hT", out.last.h);
        if (given(out.last.C)) output("cT", out.last.C);
    }

    void load(Module& module) {
        load_pytorch(folder_ + "/weights.safetensors", module);
        save_pytorch(folder_ + "/back.safetensors", module);
    }
    int64_t number(const std::string& setting) const { return std::stoll(in_.setting(setting)); }
    Var x() { return tape_.constant(in_.tensor("x")); }
    void output(const std::string& name, const Var& value) { out_.tensors[name] = value.value(); }

    std::string folder_;
    SafeTensors in_, out_;
    Generator gen_{1};
    Tape tape_{Tape::Mode::forward_only};
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: pytorch_roundtrip FOLDER\n", stderr);
        return 2;
    }
    try {
        Roundtrip(argv[1]).run();
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
