// One conversion between a cell's weights and the book's: there and back, against steps worked out from the book's
// equations with the separate matrices, and what it refuses.
#include <doctest/doctest.h>

#include <cmath>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "nn/book.hpp"
#include "nn/gru.hpp"
#include "nn/lstm.hpp"
#include "tests/failure.hpp"

using namespace unroll;

namespace {

constexpr int64_t H = 3, D = 2, B = 4;

Tensor normal(const Shape& shape, uint64_t seed) {
    Generator gen(seed);
    Tensor t = Tensor::empty(shape, DType::f64);
    gen.fill_normal(t, 0, 1);
    return t;
}

template <class Cell>
Cell make(typename Cell::Options options) {
    Generator gen(5);
    options.input_size = D;
    options.hidden_size = H;
    options.dtype = DType::f64;
    return Cell(options, gen);
}

Weights weights_of(Module& cell) {
    Weights w;
    for (const Parameter& p : parameters(cell)) w[p.name] = p.value;
    return w;
}

double distance(const Tensor& a, const Tensor& b) {
    REQUIRE(a.shape() == b.shape());
    double worst = 0;
    for (int64_t i = 0; i < a.size(); i++) worst = std::max(worst, std::abs(a.flat(i) - b.flat(i)));
    return worst;
}

/// W_* [h, x] + b_*, or on [h, x, C].
Tensor gate(const Weights& w, const char* name, std::initializer_list<Tensor> inputs) {
    return matmul(concat(inputs, 1), transposed(w.at(std::string("W_") + name))) + w.at(std::string("b_") + name);
}

template <class Cell>
void check_round_trip(typename Cell::Options options, const std::vector<std::string>& names) {
    Cell cell = make<Cell>(options);
    const Weights before = weights_of(cell), book = to_book(cell.gates(), before);
    CHECK(book.size() == names.size());
    for (const std::string& name : names) CHECK_MESSAGE(book.count(name) == 1, name);
    const Weights after = from_book(cell.gates(), book);
    CHECK(after.size() == before.size());
    for (const auto& entry : before) {
        const auto& name = entry.first;
        const Tensor& value = entry.second;
        CAPTURE(name);
        REQUIRE(after.count(name) == 1);
        CHECK(after.at(name).shape() == value.shape());
        CHECK(after.at(name).to_vector() == value.to_vector());
    }
}

const Tensor x = normal({B, D}, 1), h = normal({B, H}, 2), C = normal({B, H}, 3);

}  // namespace

TEST_CASE("book: there and back, the same bits under the same names") {
    check_round_trip<LstmCell>({}, {"W_f", "W_i", "W_C", "W_o", "b_f", "b_i", "b_C", "b_o"});
    check_round_trip<LstmCell>({.coupled = true}, {"W_i", "W_C", "W_o", "b_i", "b_C", "b_o"});
    check_round_trip<LstmCell>({.peephole = Peephole::full}, {"W_f", "W_i", "W_C", "W_o", "b_f", "b_i", "b_C", "b_o"});
    check_round_trip<LstmCell>({.peephole = Peephole::full, .coupled = true},
                               {"W_i", "W_C", "W_o", "b_i", "b_C", "b_o"});
    check_round_trip<LstmCell>({.peephole = Peephole::diagonal},
                               {"W_f", "W_i", "W_C", "W_o", "b_f", "b_i", "b_C", "b_o", "P_f", "P_i", "P_o"});
    check_round_trip<GruCell>({}, {"W_z", "W_r", "W_h", "b_z", "b_r", "b_h"});
    check_round_trip<GruCell>({.reset_after = true}, {"W_z", "W_r", "W_h", "b_z", "b_r", "b_h", "b_hh"});
}

TEST_CASE("book: the LSTM's step from the book's matrices") {
    for (const Peephole peephole : {Peephole::none, Peephole::full})
        for (const bool coupled : {false, true}) {
            LstmCell cell = make<LstmCell>({.peephole = peephole, .coupled = coupled});
            const Weights w = to_book(cell.gates(), weights_of(cell));
            CHECK(w.at("W_C").shape() == Shape{H, H + D});
            CHECK(w.at("W_o").shape() == Shape{H, peephole == Peephole::full ? 2 * H + D : H + D});
            const auto sees = [&](const char* name, const Tensor& state) {
                return sigmoid(peephole == Peephole::full ? gate(w, name, {h, x, state}) : gate(w, name, {h, x}));
            };
            const Tensor i = sees("i", C);
            const Tensor f = coupled ? 1.0 - i : sees("f", C);
            const Tensor C_t = f * C + i * tanh(gate(w, "C", {h, x}));
            const Tensor h_t = sees("o", C_t) * tanh(C_t);
            Tape tape(Tape::Mode::forward_only);
            const States s = cell.step(tape.constant(x), {tape.constant(h), tape.constant(C)});
            CHECK(distance(s.C.value(), C_t) < 1e-14);
            CHECK(distance(s.h.value(), h_t) < 1e-14);
        }
}

TEST_CASE("book: the GRU's step from the book's matrices") {
    GruCell cell = make<GruCell>({});
    const Weights w = to_book(cell.gates(), weights_of(cell));
    const Tensor z = sigmoid(gate(w, "z", {h, x})), r = sigmoid(gate(w, "r", {h, x}));
    const Tensor h_t = (1.0 - z) * h + z * tanh(gate(w, "h", {r * h, x}));
    Tape tape(Tape::Mode::forward_only);
    CHECK(distance(cell.step(tape.constant(x), {tape.constant(h), {}}).h.value(), h_t) < 1e-14);
}

TEST_CASE("book: gradients are turned as weights are") {
    // L is linear in the parameters of one gate only where they are seen through the candidate; so compare with the
    // gradient of the book's own matrix, recorded.
    LstmCell cell = make<LstmCell>({.peephole = Peephole::full});
    const Tensor upstream = normal({B, H}, 4);
    Tape tape;
    const States s = cell.step(tape.constant(x), {tape.constant(h), tape.constant(C)});
    tape.backward(sum(s.h * upstream));
    Weights gradients;
    for (const Parameter& p : parameters(cell)) gradients[p.name] = tape.grad(p);
    const Weights turned = to_book(cell.gates(), gradients), w = to_book(cell.gates(), weights_of(cell));

    std::map<std::string, Parameter> p;
    for (const auto& [name, value] : w) p[name] = Parameter(name, value);
    Tape other;
    const auto a = [&](const char* name, std::initializer_list<Var> inputs) {
        const std::string gate = name;
        return matmul(concat(inputs, 1), transposed(p.at("W_" + gate))) + p.at("b_" + gate);
    };
    const Var X = other.constant(x), H_ = other.constant(h), C_ = other.constant(C);
    const Var f = sigmoid(a("f", {H_, X, C_})), i = sigmoid(a("i", {H_, X, C_}));
    const Var C_t = f * C_ + i * tanh(a("C", {H_, X}));
    const Var o = sigmoid(a("o", {H_, X, C_t}));
    other.backward(sum(o * tanh(C_t) * upstream));
    for (const auto& entry : turned) {
        const auto& name = entry.first;
        const Tensor& value = entry.second;
        CAPTURE(name);
        CHECK(distance(value, other.grad(p.at(name))) < 1e-13);
    }
}

TEST_CASE("book: the result is new, the weights stay as they are") {
    GruCell cell = make<GruCell>({});
    const Weights before = weights_of(cell);
    Weights book = to_book(cell.gates(), before);
    const std::vector<double> b = cell.b.value.to_vector();
    book.at("b_z").fill(7);
    book.at("W_z").fill(7);
    CHECK(cell.b.value.to_vector() == b);
}

TEST_CASE("book: what doesn't fit is named") {
    LstmCell cell = make<LstmCell>({.peephole = Peephole::full});
    const Weights good = weights_of(cell), book = to_book(cell.gates(), good);
    const auto refused = [&](auto convert, const char* gates, Weights w, const char* name, const Shape* shape) {
        if (shape != nullptr)
            w[name] = Tensor::zeros(*shape, DType::f64);
        else
            w.erase(name);
        const Where here;
        return failure([&] { convert(gates, w, here); }, here);
    };
    const Shape three{3}, nine{9, 3}, four{12, 4}, wide{3, 9}, extra{2, 2};
    CHECK(refused(to_book, "fiCo", good, "W_hh", nullptr) == "to_book (HERE): W_hh is missing");
    CHECK(refused(to_book, "fiCo", good, "W_hh", &nine) == "to_book (HERE): W_hh is [9, 3], expected [4H, H]");
    CHECK(refused(to_book, "fiCo", good, "W_xh", &nine) == "to_book (HERE): W_xh is [9, 3], expected [12, D]");
    CHECK(refused(to_book, "fiCo", good, "b", &three) == "to_book (HERE): b is [3], expected [12]");
    CHECK(refused(to_book, "fiCo", good, "P_o", &four) == "to_book (HERE): P_o is [12, 4], expected [H=3, H=3]");
    CHECK(refused(to_book, "fiCo", good, "b_f", &three) == "to_book (HERE): b_f is no weight of this cell");
    CHECK(refused(to_book, "iCo", good, "P_f", nullptr) == "to_book (HERE): W_hh is [12, H=3], expected [3H, H]");
    CHECK(refused(from_book, "fiCo", book, "W_i", nullptr) == "from_book (HERE): W_i is missing");
    CHECK(refused(from_book, "fiCo", book, "b_o", nullptr) == "from_book (HERE): b_o is missing");
    CHECK(refused(from_book, "iCo", book, "b_C", &three) == "from_book (HERE): W_f is no weight of this cell");
    CHECK(refused(from_book, "fiCo", book, "W_C", &three) == "from_book (HERE): W_C is [3], expected [H, H+D]");
    CHECK(refused(from_book, "fiCo", book, "W_f", &wide) ==
          "from_book (HERE): W_f is [3, 9], expected [H=3, 5] or, with a peephole, [H=3, 8]");
    CHECK(refused(from_book, "fiCo", book, "b_i", &extra) == "from_book (HERE): b_i is [2, 2], expected [H=3]");
    CHECK(refused(from_book, "zrh", book, "W_z", nullptr) == "from_book (HERE): W_h is missing");
}
