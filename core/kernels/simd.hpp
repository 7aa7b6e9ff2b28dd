#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

namespace unroll::kernels {

/// The vectors of the instruction set built for, by compiler extension: V holds `width` values of T (float or double)
/// and takes + - * / < and ?: lane by lane; I is the integer vector of the same lanes (comparisons give it: -1 or 0).
template <class T>
struct Simd {
#if defined(__AVX512F__)
    static constexpr int bytes = 64;
    static constexpr int registers = 32;
#elif defined(__AVX__)
    static constexpr int bytes = 32;
    static constexpr int registers = 16;
#elif defined(__aarch64__)
    static constexpr int bytes = 16;
    static constexpr int registers = 32;
#else
    static constexpr int bytes = 16;
    static constexpr int registers = 16;
#endif
    static constexpr int64_t width = bytes / sizeof(T);

    typedef T V __attribute__((vector_size(bytes)));
    typedef decltype(V{} < V{}) I;

    static V set(T x) { return x - V{}; }  // minus: -0 + 0 would be +0

    static V load(const T* p) {
        V v;
        std::memcpy(&v, p, bytes);
        return v;
    }
    static void store(T* p, V v) { std::memcpy(p, &v, bytes); }

    /// The first n lanes (all when n >= width), zeros behind; touches no memory beyond them.
    static V load(const T* p, int64_t n) {
        if (n >= width) return load(p);
        T lanes[width] = {};
        copy_some(lanes, p, n);
        return load(lanes);
    }
    static void store(T* p, V v, int64_t n) {
        if (n >= width) return store(p, v);
        T lanes[width];
        store(lanes, v);
        copy_some(p, lanes, n);
    }

  private:
    /// Copies n < width elements, in pieces of fixed sizes: quicker than memcpy's call.
    static void copy_some(T* to, const T* from, int64_t n) {
        for (int64_t piece = width / 2; piece > 0; piece /= 2)
            if (n & piece) {
                std::memcpy(to, from, size_t(piece) * sizeof(T));
                to += piece;
                from += piece;
            }
    }
};

/// f over all lanes, halves with halves.
template <class T, int half = Simd<T>::width / 2, class F>
inline T fold(typename Simd<T>::V v, F f) {
    if constexpr (half == 0)
        return v[0];
    else
        return [&]<int... k>(std::integer_sequence<int, k...>) {
            return fold<T, half / 2>(f(v, __builtin_shufflevector(v, v, ((k + half) % Simd<T>::width)...)), f);
        }
    (std::make_integer_sequence<int, Simd<T>::width>());
}

/// Calls f(x0, x1, ..., y0&, y1&, ...) on vectors of the inputs' and outputs' elements 0 .. n-1 in order. The last,
/// partial vector takes the same way as the others, so a result depends on its element only, never on where the element
/// stands. Outputs may be inputs (element by element), as in
///     map(n, inputs(dy, h), outputs(da), [](auto dy, auto h, auto& da) { da = dy * (1 - h * h); });
template <class T, size_t Ins, size_t Outs, class F>
inline void map(int64_t n, const std::array<const T*, Ins>& in, const std::array<T*, Outs>& out, F f) {
    using S = Simd<T>;
    [&]<size_t... X, size_t... Y>(std::index_sequence<X...>, std::index_sequence<Y...>) {
        for (int64_t i = 0; i < n; i += S::width) {
            typename S::V y[Outs];
            f(S::load(in[X] + i, n - i)..., y[Y]...);
            (S::store(out[Y] + i, y[Y], n - i), ...);
        }
    }
    (std::make_index_sequence<Ins>(), std::make_index_sequence<Outs>());
}

/// Brings n numbers nearer, to the L2 cache.
template <class T>
inline void prefetch(const T* p, int64_t n) {
    for (int64_t i = 0; i < n; i += 64 / int64_t(sizeof(T))) __builtin_prefetch(p + i, 0, 2);
}

/// The vector at element j of arrays of n more elements.
template <class T>
struct At {
    using S = Simd<T>;
    const int64_t j, n;
    typename S::V operator()(const T* p) const { return S::load(p + j, n); }
    void put(T* p, typename S::V v) const { S::store(p + j, v, n); }
};

/// The same as map() for loops with many arrays: calls f(at) for each vector, for at(p) to load and at.put(p, v) to
/// store it.
template <class T, class F>
inline void each_vector(int64_t n, F f) {
    for (int64_t j = 0; j < n; j += Simd<T>::width) f(At<T>{j, n - j});
}

template <class T, class... P>
std::array<const T*, 1 + sizeof...(P)> inputs(const T* p, P... more) {
    return {p, more...};
}
template <class T, class... P>
std::array<T*, 1 + sizeof...(P)> outputs(T* p, P... more) {
    return {p, more...};
}

}  // namespace unroll::kernels
