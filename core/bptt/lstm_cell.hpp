#pragma once
#include "core/kernels/vecmath.hpp"

// One step of an LSTM for one sequence: loops over the H numbers of a row, forward above backward. The products by the
// matrices come before them.
namespace unroll {

/// The places of the gates' numbers, in a row of G*H or a parameter; null for what is not there.
template <class P>
struct LstmGates {
    P f, i, g, o;  // g is C̃
};
template <class P>
inline LstmGates<P> split(P row, int64_t H, bool coupled) {
    P i = coupled ? row : row + H;
    return {coupled ? nullptr : row, i, i + H, i + 2 * H};
}

/// f_t, i_t and C̃_t in the place of their pre-activations (but for biases and diagonal peepholes), and C_t: one row.
template <class T>
inline void write_cell(int64_t H, LstmGates<const T*> b, LstmGates<const T*> P, LstmGates<T*> gates, const T* C_before,
                       T* C_t) {
    kernels::each_vector<T>(H, [=](const kernels::At<T>& at) {
        const auto C = at(C_before);
        auto a_i = at(gates.i) + at(b.i);
        if (P.i != nullptr) a_i += at(P.i) * C;
        const auto i = kernels::vsigmoid<T>(a_i);  // i_t = σ(W_i [h_{t-1}, x_t] + P_i C_{t-1} + b_i)
        auto f = T(1) - i;                         // coupled
        if (gates.f != nullptr) {
            auto a_f = at(gates.f) + at(b.f);
            if (P.f != nullptr) a_f += at(P.f) * C;
            f = kernels::vsigmoid<T>(a_f);  // f_t = σ(W_f [h_{t-1}, x_t] + P_f C_{t-1} + b_f)
            at.put(gates.f, f);
        }
        const auto g = kernels::vtanh<T>(at(gates.g) + at(b.g));  // C̃_t = tanh(W_C [h_{t-1}, x_t] + b_C)
        at.put(gates.i, i);
        at.put(gates.g, g);
        at.put(C_t, f * C + i * g);  // C_t = f_t ⊙ C_{t-1} + i_t ⊙ C̃_t
    });
}

/// o_t, likewise, and h_t.
template <class T>
inline void show_cell(int64_t H, LstmGates<const T*> b, LstmGates<const T*> P, LstmGates<T*> gates, const T* C_t,
                      T* h_t) {
    kernels::each_vector<T>(H, [=](const kernels::At<T>& at) {
        auto a_o = at(gates.o) + at(b.o);
        if (P.o != nullptr) a_o += at(P.o) * at(C_t);
        const auto o = kernels::vsigmoid<T>(a_o);  // o_t = σ(W_o [h_{t-1}, x_t] + P_o C_t + b_o)
        at.put(gates.o, o);
        at.put(h_t, o * kernels::vtanh<T>(at(C_t)));  // h_t = o_t ⊙ tanh(C_t)
    });
}

/// Back through show_cell: da_o, and dC_t but for a full peephole's part. dy_t may be null. dh_t is used up: zeros.
template <class T>
inline void show_cell_backward(int64_t H, LstmGates<const T*> P, LstmGates<const T*> gates, const T* C_t, const T* dy_t,
                               T* dh_t, T* dC_t, LstmGates<T*> da) {
    kernels::each_vector<T>(H, [=](const kernels::At<T>& at) {
        auto dh = at(dh_t);
        if (dy_t != nullptr) dh += at(dy_t);
        const auto o = at(gates.o), shown = kernels::vtanh<T>(at(C_t));
        const auto da_o = dh * shown * (o * (1 - o));       // da_o = dh_t ⊙ tanh(C_t) ⊙ o_t ⊙ (1 - o_t)
        auto dC = at(dC_t) + dh * o * (1 - shown * shown);  // dC_t += dh_t ⊙ o_t ⊙ (1 - tanh²(C_t)) + P_oᵀ da_o
        if (P.o != nullptr) dC += at(P.o) * da_o;
        at.put(da.o, da_o);
        at.put(dC_t, dC);
        at.put(dh_t, decltype(dh){});
    });
}

/// Back through write_cell: da_f, da_i, da_g, and dC turned from dC_t into dC_{t-1} but for full peepholes' part.
template <class T>
inline void write_cell_backward(int64_t H, LstmGates<const T*> P, LstmGates<const T*> gates, const T* C_before, T* dC_t,
                                LstmGates<T*> da) {
    kernels::each_vector<T>(H, [=](const kernels::At<T>& at) {
        const auto C = at(C_before), dC = at(dC_t), i = at(gates.i), g = at(gates.g);
        auto di = dC * g;        // di_t = dC_t ⊙ C̃_t
        const auto df = dC * C;  // df_t = dC_t ⊙ C_{t-1}, of which coupled di_t -= df_t
        auto f = 1 - i;
        if (gates.f != nullptr)
            f = at(gates.f);
        else
            di -= df;
        const auto da_i = di * (i * (1 - i));
        auto dC_before = dC * f;  // dC_{t-1} = dC_t ⊙ f_t + P_fᵀ da_f + P_iᵀ da_i
        if (P.i != nullptr) dC_before += at(P.i) * da_i;
        if (gates.f != nullptr) {
            const auto da_f = df * (f * (1 - f));
            if (P.f != nullptr) dC_before += at(P.f) * da_f;
            at.put(da.f, da_f);
        }
        at.put(da.i, da_i);
        at.put(da.g, dC * i * (1 - g * g));  // da_g = dC_t ⊙ i_t ⊙ (1 - C̃_t²)
        at.put(dC_t, dC_before);
    });
}

}  // namespace unroll
