#pragma once
#include "core/kernels/vecmath.hpp"

// One step of a GRU for one sequence: loops over the H numbers of a row, forward above backward. The products by the
// matrices come before them, or, that of q_t, in between:
//   reset before: q_t = r_t ⊙ h_{t-1}            reset after (b_hh is not null): q_t = W_h h_{t-1} + b_hh
namespace unroll {

/// z, r and h̃ in a row of 3H numbers.
template <class P>
struct GruGates {
    P z, r, g;  // g is h̃
    GruGates(P row, int64_t H) : z(row), r(row + H), g(row + 2 * H) {}
};

/// z_t and r_t in the place of their pre-activations (but for the biases), and q_t.
template <class T>
inline void open_gates(int64_t H, GruGates<const T*> b, const T* b_hh, const T* h_before, GruGates<T*> gates, T* q_t) {
    kernels::each_vector<T>(H, [=](const kernels::At<T>& at) {
        const auto z = kernels::vsigmoid<T>(at(gates.z) + at(b.z));  // z_t = σ(W_z [h_{t-1}, x_t] + b_z)
        const auto r = kernels::vsigmoid<T>(at(gates.r) + at(b.r));  // r_t = σ(W_r [h_{t-1}, x_t] + b_r)
        at.put(gates.z, z);
        at.put(gates.r, r);
        at.put(q_t, b_hh != nullptr ? at(q_t) + at(b_hh) : r * at(h_before));
    });
}

/// h̃_t, likewise, and h_t.
template <class T>
inline void update(int64_t H, GruGates<const T*> b, bool reset_after, const T* h_before, const T* q_t,
                   GruGates<T*> gates, T* h_t) {
    kernels::each_vector<T>(H, [=](const kernels::At<T>& at) {
        auto a = at(gates.g) + at(b.g);  // reset before: W_h [r_t ⊙ h_{t-1}, x_t] + b_h
        if (reset_after) a += at(gates.r) * at(q_t);
        const auto g = kernels::vtanh<T>(a), z = at(gates.z);
        at.put(gates.g, g);
        at.put(h_t, (1 - z) * at(h_before) + z * g);  // h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t
    });
}

/// Back through update: da_z, da_h̃, and dh from dh_t to what goes past the gates to h_{t-1}. dy_t may be null.
template <class T>
inline void update_backward(int64_t H, GruGates<const T*> gates, const T* h_before, const T* dy_t, T* dh_t,
                            GruGates<T*> da) {
    kernels::each_vector<T>(H, [=](const kernels::At<T>& at) {
        auto dh = at(dh_t);
        if (dy_t != nullptr) dh += at(dy_t);
        const auto z = at(gates.z), g = at(gates.g);
        at.put(da.z, dh * (g - at(h_before)) * (z * (1 - z)));  // da_z = dh_t ⊙ (h̃_t - h_{t-1}) ⊙ z_t ⊙ (1 - z_t)
        at.put(da.g, dh * z * (1 - g * g));                     // da_h̃ = dh_t ⊙ z_t ⊙ (1 - h̃_t²)
        at.put(dh_t, dh * (1 - z));                             // dh_{t-1} = dh_t ⊙ (1 - z_t) + ...
    });
}

/// Back through open_gates, reset before: from dq_t = W_hᵀ da_h̃, da_r = dq_t ⊙ h_{t-1} ⊙ r_t ⊙ (1 - r_t) and
/// dh_{t-1} += dq_t ⊙ r_t.
template <class T>
inline void reset_backward(int64_t H, GruGates<const T*> gates, const T* h_before, const T* dq_t, T* dh_t,
                           GruGates<T*> da) {
    kernels::each_vector<T>(H, [=](const kernels::At<T>& at) {
        const auto r = at(gates.r), dq = at(dq_t);
        at.put(da.r, dq * at(h_before) * (r * (1 - r)));
        at.put(dh_t, at(dh_t) + dq * r);
    });
}

/// Reset after: dq_t = da_h̃ ⊙ r_t, da_r = da_h̃ ⊙ q_t ⊙ r_t ⊙ (1 - r_t).
template <class T>
inline void reset_backward(int64_t H, GruGates<const T*> gates, const T* q_t, GruGates<T*> da, T* dq_t) {
    kernels::each_vector<T>(H, [=](const kernels::At<T>& at) {
        const auto r = at(gates.r), da_g = at(da.g);
        at.put(dq_t, da_g * r);
        at.put(da.r, da_g * at(q_t) * (r * (1 - r)));
    });
}

}  // namespace unroll
