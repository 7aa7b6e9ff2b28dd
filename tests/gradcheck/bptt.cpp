// Rows for core/bptt: whole sequences, with gradients entering at every output and at the last state, and leaving at
// the first one. Every entry up to T=7 and B=3, random directions beyond.
#include <fmt/format.h>

#include "core/bptt/rnn.hpp"
#include "tests/gradcheck/table.hpp"

namespace unroll {

using Vars = std::vector<Var>;

static void rnn(Table& table) {
    table.section("rnn_sequence");
    const std::vector<std::array<int, 3>> sizes = {{1, 1, 1},  {1, 3, 5},   {2, 1, 16},   {2, 3, 17},
                                                   {7, 1, 17}, {7, 3, 5},   {7, 3, 1},    {30, 3, 17},
                                                   {7, 32, 5}, {30, 1, 16}, {30, 32, 17}, {1, 32, 16}};
    const std::vector<std::pair<const char*, Activation>> activations = {
        {"tanh", Activation::tanh}, {"relu", Activation::relu}, {"logistic", Activation::logistic}};
    for (const auto& [T, B, H] : sizes) {
        const int D = H > 1 ? 4 : 1;
        std::vector<int32_t> some;
        for (int b = 0; b < B; b++) some.push_back((T + 1) * (b + 1) / (B + 1));  // in 0 .. T
        const std::vector<std::pair<const char*, SequenceOptions>> ways = {
            {"", {}},
            {" reverse", {.reverse = true}},
            {" lengths", {.lengths = Ids(some)}},
            {" reverse lengths", {.reverse = true, .lengths = Ids(some)}}};
        const double std = 0.7 / std::sqrt(H);
        for (const auto& [name, phi] : activations)
            for (const auto& [how, way] : ways)
                table.check(fmt::format("{} T={} B={} H={}{}", name, T, B, H, how),
                            {{"x", {T, B, D}},
                             {"h_0", {B, H}},
                             {"W_xh", {H, D}, 0, 0.5},
                             {"W_hh", {H, H}, 0, std},
                             {"b_h", {H}, 0.5}},
                            [phi = phi, way = way](const Vars& v) {
                                const RnnVars out = rnn_sequence(v[0], v[1], v[2], v[3], v[4], phi, way);
                                return Vars{out.y, out.h_T};
                            },
                            {.directions = T <= 7 && B <= 3 ? 0 : 3});
    }
}

void add_bptt(Table& table) { rnn(table); }

}  // namespace unroll
