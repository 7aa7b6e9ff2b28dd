// Rows for core/bptt: whole sequences, with gradients entering at every output and at the last state, and leaving at
// the first one. Every entry up to T=7 and B=3, random directions beyond.
#include <fmt/format.h>

#include "nn/gru.hpp"
#include "nn/layer_norm_lstm.hpp"
#include "nn/lstm.hpp"
#include "nn/rnn.hpp"
#include "tests/gradcheck/table.hpp"

namespace unroll {

using Vars = std::vector<Var>;

namespace {

struct Size {
    int T, B, H;
    int D() const { return H > 1 ? 4 : 1; }
};
const Size sizes[] = {{1, 1, 1}, {1, 3, 5},   {2, 1, 16}, {2, 3, 17},  {7, 1, 17},   {7, 3, 5},
                      {7, 3, 1}, {30, 3, 17}, {7, 32, 5}, {30, 1, 16}, {30, 32, 17}, {1, 32, 16}};

/// Calls f(row's name, size, options of the sequence, options of the check) for all sizes, directions and lengths.
template <class F>
void each_way(const std::string& name, F f) {
    for (const Size& s : sizes) {
        std::vector<int32_t> some;
        for (int b = 0; b < s.B; b++) some.push_back((s.T + 1) * (b + 1) / (s.B + 1));  // in 0 .. T
        const std::vector<std::pair<const char*, SequenceOptions>> ways = {
            {"", {}},
            {" reverse", {.reverse = true}},
            {" lengths", {.lengths = Ids(some)}},
            {" reverse lengths", {.reverse = true, .lengths = Ids(some)}}};
        for (const auto& [how, way] : ways)
            f(fmt::format("{} T={} B={} H={}{}", name, s.T, s.B, s.H, how), s, way,
              GradCheckOptions{.directions = s.T <= 7 && s.B <= 3 ? 0 : 3});
    }
}

double recurrent_std(int H) { return 0.7 / std::sqrt(H); }

void rnn(Table& table) {
    table.section("rnn_sequence");
    const std::vector<std::pair<const char*, Activation>> activations = {
        {"tanh", Activation::tanh}, {"relu", Activation::relu}, {"logistic", Activation::logistic}};
    for (const auto& [name, phi] : activations)
        each_way(name, [&, phi = phi](const std::string& row, const Size& s, const SequenceOptions& way,
                                      const GradCheckOptions& options) {
            table.check(
                row,
                {{"x", {s.T, s.B, s.D()}},
                 {"h_0", {s.B, s.H}},
                 {"W_xh", {s.H, s.D()}, 0, 0.5},
                 {"W_hh", {s.H, s.H}, 0, recurrent_std(s.H)},
                 {"b_h", {s.H}, 0.5}},
                [&](const Vars& v) {
                    const RnnVars out = rnn_sequence(v[0], v[1], v[2], v[3], v[4], phi, way);
                    return Vars{out.y, out.h_T};
                },
                options);
        });
}

void lstm(Table& table) {
    table.section("lstm_sequence");
    for (const bool coupled : {false, true})
        for (const auto& [name, peephole] : {std::pair{"lstm", Peephole::none},
                                             {"diagonal peephole", Peephole::diagonal},
                                             {"full peephole", Peephole::full}})
            each_way(fmt::format("{}{}", coupled ? "coupled " : "", name),
                     [&, peephole = peephole](const std::string& row, const Size& s, const SequenceOptions& way,
                                              const GradCheckOptions& options) {
                         const int GH = (coupled ? 3 : 4) * s.H;
                         std::vector<Input> in = {{"x", {s.T, s.B, s.D()}},
                                                  {"h_0", {s.B, s.H}},
                                                  {"C_0", {s.B, s.H}},
                                                  {"W_xh", {GH, s.D()}, 0, 0.5},
                                                  {"W_hh", {GH, s.H}, 0, recurrent_std(s.H)},
                                                  {"b", {GH}, 0.5}};
                         const Shape P = peephole == Peephole::full ? Shape{s.H, s.H} : Shape{s.H};
                         if (peephole != Peephole::none)
                             for (const char* gate : {"P_i", "P_o", "P_f"})
                                 if (!coupled || gate[2] != 'f') in.push_back({gate, P, 0, recurrent_std(s.H)});
                         table.check(
                             row, in,
                             [&](const Vars& v) {
                                 LstmWeights w{v[3], v[4], v[5]};
                                 if (v.size() > 6) w.P_i = v[6], w.P_o = v[7];
                                 if (v.size() > 8) w.P_f = v[8];
                                 const LstmVars out = lstm_sequence(v[0], v[1], v[2], w, coupled, way);
                                 return Vars{out.y, out.h_T, out.C_T};
                             },
                             options);
                     });
}

void gru(Table& table) {
    table.section("gru_sequence");
    for (const bool after : {false, true})
        each_way(
            after ? "reset after" : "reset before",
            [&](const std::string& row, const Size& s, const SequenceOptions& way, const GradCheckOptions& options) {
                const int GH = 3 * s.H;
                std::vector<Input> in = {{"x", {s.T, s.B, s.D()}},
                                         {"h_0", {s.B, s.H}},
                                         {"W_xh", {GH, s.D()}, 0, 0.5},
                                         {"W_hh", {GH, s.H}, 0, recurrent_std(s.H)},
                                         {"b", {GH}, 0.5}};
                if (after) in.push_back({"b_hh", {s.H}, 0.5});
                table.check(
                    row, in,
                    [&](const Vars& v) {
                        GruWeights w{v[2], v[3], v[4]};
                        if (after) w.b_hh = v[5];
                        const GruVars out = gru_sequence(v[0], v[1], w, way);
                        return Vars{out.y, out.h_T};
                    },
                    options);
            });
}

/// The cells' equations, scanned.
template <class Cell>
void composed(Table& table, const std::string& name, typename Cell::Options options) {
    for (const Size& s : {Size{1, 1, 1}, {2, 3, 5}, {7, 3, 4}, {30, 2, 17}}) {
        options.input_size = s.D();
        options.hidden_size = s.H;
        options.dtype = DType::f64;
        Generator gen(1);
        Cell cell(options, gen);
        std::vector<Parameter> all = parameters(cell);
        const int64_t weights = static_cast<int64_t>(all.size());
        all.push_back(random_input("x", {s.T, s.B, s.D()}));
        all.push_back(random_input("h_0", {s.B, s.H}));
        if (Cell::has_cell_state) all.push_back(random_input("C_0", {s.B, s.H}));
        table.check_owned(fmt::format("{} T={} B={} H={}", name, s.T, s.B, s.H), all,
                          [&](Tape& tape) {
                              const auto input = [&](int64_t i) {
                                  return tape.watch(all[static_cast<size_t>(weights + i)]);
                              };
                              const Var x = input(0), h_0 = input(1);
                              const Scanned out = scan(cell, x, {h_0, Cell::has_cell_state ? input(2) : Var()});
                              Vars outputs = {out.y, out.last.h};
                              if (Cell::has_cell_state) outputs.push_back(out.last.C);
                              return outputs;
                          },
                          {.directions = s.T <= 7 ? 0 : 3});
    }
}

void cells(Table& table) {
    table.section("cells, composed");
    composed<RnnCell>(table, "RnnCell", {});
    composed<RnnCell>(table, "RnnCell relu", {.activation = Activation::relu});
    composed<RnnCell>(table, "RnnCell logistic", {.activation = Activation::logistic});
    for (const bool coupled : {false, true}) {
        const char* prefix = coupled ? "coupled " : "";
        composed<LstmCell>(table, fmt::format("{}LstmCell", prefix), {.coupled = coupled});
        composed<LstmCell>(table, fmt::format("{}LstmCell diagonal", prefix),
                           {.peephole = Peephole::diagonal, .coupled = coupled});
        composed<LstmCell>(table, fmt::format("{}LstmCell full", prefix),
                           {.peephole = Peephole::full, .coupled = coupled});
    }
    composed<LayerNormLstmCell>(table, "LayerNormLstmCell", {.forget_bias = 1, .eps = 0.1});
    composed<GruCell>(table, "GruCell", {});
    composed<GruCell>(table, "GruCell reset after", {.reset_after = true});
}

}  // namespace

void add_bptt(Table& table) {
    rnn(table);
    lstm(table);
    gru(table);
    cells(table);
}

}  // namespace unroll
