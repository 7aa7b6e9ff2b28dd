#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "nn/module.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

struct Block : Module {
    explicit Block(Generator& gen) : first({.in = 3, .out = 3}, gen), second({.in = 3, .out = 3, .bias = false}, gen) {}
    void visit(Visitor& v) override {
        v("first", first);
        v("second", second);
    }
    std::string pretty() const override { return "Block"; }
    Linear first, second;
};

struct Model : Module {
    explicit Model(Generator& gen) : blocks(2, Block(gen)), embedding({.vocabulary = 5, .embedding_size = 3}, gen) {
        for (Block& b : blocks) b = Block(gen);
        scale = Parameter("scale", Tensor::full({}, 1));
        output = embedding.E;  // tied
    }
    void visit(Visitor& v) override {
        v("scale", scale);
        for (size_t i = 0; i < blocks.size(); i++) v("block" + std::to_string(i), blocks[i]);
        v("embedding", embedding);
        v("output", output);
    }
    std::string pretty() const override { return "Model"; }
    std::vector<Block> blocks;
    Embedding embedding;
    Parameter scale, output;
};

struct Clash : Module {
    Parameter a{"a", Tensor::zeros({1})}, b{"b", Tensor::zeros({1})}, empty;
    const char *first = "x", *second = "x";
    void visit(Visitor& v) override {
        v(first, a);
        v(second, b);
        if (*first == 'e') v("nothing", empty);
    }
    std::string pretty() const override { return "Clash"; }
};

}  // namespace

TEST_CASE("parameters: dotted names in order of visit, tied ones once") {
    Generator gen(1);
    Model model(gen);
    std::vector<std::string> names;
    for (const Parameter& p : parameters(model)) names.push_back(p.name);
    CHECK(names == std::vector<std::string>{"scale", "block0.first.W", "block0.first.b", "block0.second.W",
                                            "block1.first.W", "block1.first.b", "block1.second.W", "embedding.E"});
    CHECK(parameter_count(model) == 1 + 2 * (9 + 3 + 9) + 15);
    CHECK(model.blocks[1].second.W.name == "block1.second.W");  // the module's own, for messages and tapes
    CHECK(model.output.name == "embedding.E");
    CHECK(parameters(model)[1].value.same_storage(model.blocks[0].first.W.value));
}

TEST_CASE("parameters: the names show in errors and on tapes") {
    Generator gen(1);
    Model model(gen);
    parameters(model);
    Tape tape;
    CHECK(contains(error_of([&] {
                       model.blocks[1].second(tape.input(Tensor::zeros({2, 4})));
                   }),
                   "for block1.second.W [3, 3]"));
    CHECK(tape.name_of(tape.watch(model.blocks[0].first.b).slot()) == std::string("block0.first.b"));
}

TEST_CASE("modules are copyable; a copy shares its parameters") {
    Generator gen(1);
    Linear a({.in = 2, .out = 2}, gen);
    std::vector<Linear> copies(3, a);
    copies.push_back(a);
    a.W.value.set({0, 1}, 42);
    CHECK(copies[3].W.value.at({0, 1}) == 42);
}

TEST_CASE("to: every parameter, ties kept, still parameters") {
    Generator gen(1);
    Model model(gen);
    const std::vector<Parameter> before = parameters(model);
    model.to(DType::f64);
    const std::vector<Parameter> after = parameters(model);
    REQUIRE(before.size() == after.size());
    for (size_t i = 0; i < after.size(); i++) {
        CHECK(after[i].value.dtype() == DType::f64);
        CHECK(after[i].name == before[i].name);
        CHECK(after[i].value.to_vector() == before[i].value.to_vector());
        CHECK(after[i].value.storage()->parameter);
    }
    CHECK(model.output.value.same_storage(model.embedding.E.value));
    Tape tape;
    const Var y = model.blocks[0].second(tape.input(Tensor::full({1, 3}, 1, DType::f64)));
    tape.backward(sum(y));
    CHECK(tape.grad(model.blocks[0].second.W).at({2, 2}) == 1);

    Clash clash;
    clash.to(DType::f32);  // nothing to do: the same storage
    CHECK(clash.a.value.storage()->parameter);
}

TEST_CASE("parameters: wrong names are told") {
    Clash clash;
    CHECK(contains(error_of([&] { parameters(clash); }), "test_module.cpp"));
    CHECK(contains(error_of([&] { parameters(clash); }), "the name x comes twice"));
    clash.first = "e";
    CHECK(contains(error_of([&] { parameters(clash); }), "the parameter nothing has no value"));
}

TEST_CASE("parameter_table: aligned, with the total") {
    Clash clash;
    clash.first = "weights";
    clash.a = Parameter("a", Tensor::zeros({{10, 'H'}, 20}));
    CHECK(parameter_table(clash) ==
          "weights  [H=10, 20]  200\n"
          "x        [1]           1\n"
          "total                201\n");
}
