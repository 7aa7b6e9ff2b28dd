#pragma once
#include <cmath>
#include <vector>

#include "core/ops/reductions.hpp"
#include "nn/rnn.hpp"

namespace unroll {

/// One direction with a single unit, in plain numbers:  h_t = tanh(w h_before + u x_t + b).
struct Direction {
    double w, u, b;

    /// The states at t = 1 .. T (counted from 0), whichever end they are made from.
    std::vector<double> states(const std::vector<double>& x, double h_0, bool reverse) const {
        std::vector<double> h(x.size());
        double state = h_0;
        for (size_t i = 0; i < x.size(); i++) {
            const size_t t = reverse ? x.size() - 1 - i : i;
            h[t] = state = std::tanh(w * state + u * x[t] + b);
        }
        return h;
    }

    /// Backpropagation through time of one sequence: dy at each output, dlast at the direction's final state. Adds what
    /// x_t gets to dx[t].
    struct Gradients {
        double w = 0, u = 0, b = 0, h_0 = 0;
    };
    Gradients backward(const std::vector<double>& x, double h_0, const std::vector<double>& dy, double dlast,
                       bool reverse, std::vector<double>& dx) const {
        const std::vector<double> h = states(x, h_0, reverse);
        const size_t T = x.size();
        Gradients g;
        double dh = dlast;  // what comes back from the step that h_t was handed to
        for (size_t i = 0; i < T; i++) {
            const size_t t = reverse ? i : T - 1 - i;  // against the order in which the states were made
            const bool first = reverse ? t + 1 == T : t == 0;
            const double before = first ? h_0 : h[reverse ? t + 1 : t - 1];
            const double delta = (dy[t] + dh) * (1 - h[t] * h[t]);
            g.w += delta * before;
            g.u += delta * x[t];
            g.b += delta;
            dx[t] += delta * u;
            dh = delta * w;
        }
        g.h_0 = dh;
        return g;
    }
};

/// Both directions over two sequences of lengths 4 and 2, padded with 9.
struct SmallPair {
    Direction f{0.8, 1.2, 0.1}, b{-0.5, 0.6, 0.2};
    Tensor x = Tensor::of({{{1.0}, {0.7}}, {{-0.5}, {-1.2}}, {{0.4}, {9}}, {{-0.9}, {9}}}, DType::f64).named("TBD");
    Ids lengths{{4, 2}};
    Tensor dy =
        Tensor::of({{{0.5, -1}, {0.3, 0.8}}, {{1, 0.2}, {-0.7, 1}}, {{-0.4, 0.6}, {2, 2}}, {{0.9, -0.3}, {2, 2}}},
                   DType::f64);  // the padding's too: it must not matter
    Parameter in{"x", x.clone()};
    Parameter h_0{"h_0", Tensor::of({{{0.2}, {-0.4}}, {{0.3}, {0.1}}}, DType::f64).named("LBH")};
    mutable Rnn rnn;

    SmallPair() {
        Generator gen(0);
        rnn = Rnn({.input_size = 1, .hidden_size = 1, .dtype = DType::f64, .bidirectional = true}, gen);
        for (bool reverse : {false, true}) {
            RnnCell& cell = rnn.cell(0, reverse);
            const Direction& d = reverse ? b : f;
            cell.W_hh.value.fill(d.w);
            cell.W_xh.value.fill(d.u);
            cell.b_h.value.fill(d.b);
        }
        parameters(rnn);  // gives them their dotted names
    }

    std::vector<double> sequence(int64_t s) const {
        std::vector<double> numbers;
        for (int64_t t = 0; t < lengths[s]; t++) numbers.push_back(x.at({t, s, 0}));
        return numbers;
    }

    std::vector<Parameter> inputs() const {
        std::vector<Parameter> list = parameters(rnn);
        list.push_back(h_0);
        list.push_back(in);
        return list;
    }

    /// L = Σ dy ⊙ y + ½ Σ last²
    Var loss(Tape& tape) const {
        const RecurrentOutput out =
            rnn(tape.watch(in), {.initial = {tape.watch(h_0), {}}, .lengths = lengths, .composed = true});
        tape.name(out.y, "y");
        tape.name(out.last.h, "last");
        const Var L = sum(out.y * dy) + scale(sum(out.last.h * out.last.h), 0.5);
        tape.name(L, "L");
        return L;
    }

    /// The gradients of all inputs(), one number after the other.
    std::vector<double> by_hand() const {
        Direction::Gradients sums[2];
        std::vector<double> dh_0(4), dx(8);
        for (int64_t s = 0; s < 2; s++) {
            const std::vector<double> numbers = sequence(s);
            std::vector<double> dx_s(numbers.size());
            for (int d = 0; d < 2; d++) {
                const Direction& direction = d == 0 ? f : b;
                const double initial = h_0.value.at({d, s, 0});
                std::vector<double> dy_s;
                for (int64_t t = 0; t < lengths[s]; t++) dy_s.push_back(dy.at({t, s, d}));
                const std::vector<double> h = direction.states(numbers, initial, d == 1);
                const double last = d == 0 ? h.back() : h.front();
                const Direction::Gradients g = direction.backward(numbers, initial, dy_s, last, d == 1, dx_s);
                sums[d].w += g.w;
                sums[d].u += g.u;
                sums[d].b += g.b;
                dh_0[static_cast<size_t>(2 * d + s)] = g.h_0;
            }
            for (size_t t = 0; t < dx_s.size(); t++) dx[2 * t + static_cast<size_t>(s)] = dx_s[t];
        }
        std::vector<double> all;
        for (const Direction::Gradients& g : sums) all.insert(all.end(), {g.w, g.u, g.b});
        all.insert(all.end(), dh_0.begin(), dh_0.end());
        all.insert(all.end(), dx.begin(), dx.end());
        return all;
    }
};

}  // namespace unroll
