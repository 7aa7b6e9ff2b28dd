#include "core/random.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "core/kernels/parallel.hpp"

namespace unroll {
namespace {

/// Ten rounds on N counters side by side, x[word][counter].
template <int N>
void rounds(uint32_t (&x)[4][N], uint32_t key0, uint32_t key1) {
    for (int round = 0; round < 10; round++, key0 += 0x9E3779B9, key1 += 0xBB67AE85) {
        for (int i = 0; i < N; i++) {
            const uint64_t p = uint64_t{0xD2511F53} * x[0][i], q = uint64_t{0xCD9E8D57} * x[2][i];
            x[0][i] = uint32_t(q >> 32) ^ x[1][i] ^ key0;
            x[2][i] = uint32_t(p >> 32) ^ x[3][i] ^ key1;
            x[1][i] = uint32_t(q);
            x[3][i] = uint32_t(p);
        }
    }
}

/// Philox counters of their own for normal(), which needs 128 bits a draw: those that bits() takes for position n must
/// not show up again in the normal number of a neighbouring one.
enum Domain : uint32_t { plain = 0, gaussian = 0x80000000 };

/// out[i] = 64 bits for position 2 first + i, for i < 2 N: two positions share the 128 bits of one counter.
template <int N>
void draw(const Generator::State& s, Domain domain, uint64_t first, uint64_t* out) {
    uint32_t x[4][N];
    for (int i = 0; i < N; i++) {
        const uint64_t block = first + uint64_t(i);
        x[0][i] = uint32_t(block);
        x[1][i] = uint32_t(block >> 32) | domain;
        x[2][i] = uint32_t(s.stream);
        x[3][i] = uint32_t(s.stream >> 32);
    }
    rounds<N>(x, uint32_t(s.seed), uint32_t(s.seed >> 32));
    for (int i = 0; i < N; i++) {
        out[2 * i] = uint64_t{x[1][i]} << 32 | x[0][i];
        out[2 * i + 1] = uint64_t{x[3][i]} << 32 | x[2][i];
    }
}

double unit(uint64_t bits) { return double(int64_t(bits >> 11)) * 0x1p-53; }

/// Box and Muller: two uniform numbers become two independent normal ones.
void box_muller(const uint64_t* bits, double* z) {
    const double radius = std::sqrt(-2 * std::log(1 - unit(bits[0]))), angle = 2 * M_PI * unit(bits[1]);
    z[0] = radius * std::cos(angle);
    z[1] = radius * std::sin(angle);
}

constexpr int lanes = 64;                 // counters at a time
constexpr int64_t batch = 2 * lanes;      // positions at a time, from a multiple of it
constexpr int64_t batches_in_chunk = 64;  // of the parallel loop: fixed

/// t_i = f(position s.counter + i), which moves on; f(bits, z) makes a batch of numbers from a batch of bits.
template <class F>
void fill(Generator::State& s, Domain domain, Tensor& t, F f) {
    const int64_t n = t.size(), skip = int64_t(s.counter % batch);
    const uint64_t first = (s.counter - uint64_t(skip)) / 2;
    const int64_t batches = (skip + n + batch - 1) / batch,
                  chunks = (batches + batches_in_chunk - 1) / batches_in_chunk;
    dispatch(t.dtype(), [&]<class T>(T) {
        T* to = t.mutable_data<T>();
        kernels::parallel(chunks, [&](int64_t c) {
            uint64_t bits[batch];
            double z[batch];
            for (int64_t b = c * batches_in_chunk; b < std::min(batches, (c + 1) * batches_in_chunk); b++) {
                draw<lanes>(s, domain, first + uint64_t(b) * lanes, bits);
                f(bits, z);
                const int64_t begin = b * batch - skip;  // the element that z[0] would be
                for (int64_t i = std::max<int64_t>(0, -begin); i < std::min(batch, n - begin); i++)
                    to[begin + i] = T(z[i]);
            }
        });
    });
    s.counter += uint64_t(n);
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
    uint32_t x[4][1] = {{counter[0]}, {counter[1]}, {counter[2]}, {counter[3]}};
    rounds<1>(x, key[0], key[1]);
    return {x[0][0], x[1][0], x[2][0], x[3][0]};
}

uint64_t Generator::bits() {
    uint64_t pair[2];
    draw<1>(state_, plain, state_.counter / 2, pair);
    return pair[state_.counter++ % 2];
}

double Generator::normal() {
    uint64_t pair[2];
    double z[2];
    draw<1>(state_, gaussian, state_.counter / 2, pair);
    box_muller(pair, z);
    return z[state_.counter++ % 2];
}

int64_t Generator::below(int64_t n, Where at) {
    if (n <= 0) fail("below", at, "n is {}, expected at least 1", n);
    const uint64_t m = uint64_t(n), spare = -m % m;  // 2^64 mod n: so many draws would make some likelier
    uint64_t x = bits();
    while (x < spare) x = bits();
    return int64_t(x % m);
}

void Generator::shuffle(std::vector<int>& v) {
    for (size_t i = v.size(); i > 1; i--) std::swap(v[i - 1], v[size_t(below(int64_t(i)))]);
}

void Generator::fill_uniform(Tensor& t, double lo, double hi) {
    fill(state_, plain, t, [=](const uint64_t* bits, double* z) {
        for (int i = 0; i < batch; i++) z[i] = lo + (hi - lo) * unit(bits[i]);
    });
}

void Generator::fill_normal(Tensor& t, double mean, double std) {
    fill(state_, gaussian, t, [=](const uint64_t* bits, double* z) {
        for (int i = 0; i < batch; i += 2) box_muller(bits + i, z + i);
        for (int i = 0; i < batch; i++) z[i] = mean + std * z[i];
    });
}

void Generator::fill_bernoulli(Tensor& t, double probability, double value) {
    // unit(bits) < probability as a sign, and the sign as a mask: a branch on a coin is mispredicted half of the time.
    const int64_t below = int64_t(std::ceil(probability * 0x1p53)), kept = std::bit_cast<int64_t>(value);
    fill(state_, plain, t, [=](const uint64_t* bits, double* z) {
        for (int i = 0; i < batch; i++) z[i] = std::bit_cast<double>((int64_t(bits[i] >> 11) - below) >> 63 & kept);
    });
}

}  // namespace unroll
