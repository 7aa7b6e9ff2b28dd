#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/kernels/parallel.hpp"
#include "core/random.hpp"
#include "tests/failure.hpp"

using namespace unroll;

TEST_CASE("Philox 4x32-10: the known answers published with Random123") {
    using Out = std::array<uint32_t, 4>;
    CHECK(philox({0, 0, 0, 0}, {0, 0}) == Out{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
          Out{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          Out{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("bits are Philox of the position, two positions a block") {
    Generator rng(0);
    CHECK(rng.bits() == 0xe169c58d6627e8d5);
    CHECK(rng.bits() == 0x9b00dbd8bc57ac4c);
    const auto next = philox({1, 0, 7, 0}, {5, 9});
    Generator other(uint64_t{9} << 32 | 5, 7);
    other.restore({other.state().seed, other.state().stream, 3});
    CHECK(other.bits() == (uint64_t{next[3]} << 32 | next[2]));
    CHECK(other.state() == Generator::State{uint64_t{9} << 32 | 5, 7, 4});
}

TEST_CASE("seeds and streams differ") {
    CHECK(Generator(1).bits() != Generator(2).bits());
    CHECK(Generator(1, 0).bits() != Generator(1, 1).bits());
    CHECK(Generator(1, 3).bits() == Generator(1, 3).bits());
}

TEST_CASE("a tensor is filled with the draws at the positions from the counter on") {
    for (uint64_t start : {0, 1, 2, 31, 32, 33, 1000}) {
        for (int64_t n : {0, 1, 2, 3, 31, 32, 33, 1001}) {
            CAPTURE(start);
            CAPTURE(n);
            Generator one(42, 5);
            one.restore({42, 5, start});
            Generator all = one;
            Tensor u = Tensor::empty({n}, DType::f64), z = Tensor::empty({n}, DType::f64);
            all.fill_uniform(u, -1, 3);
            all.fill_normal(z, 0, 1);
            CHECK(all.state().counter == start + 2 * static_cast<uint64_t>(n));
            bool same = true;
            for (int64_t i = 0; i < n; i++) same = same && u.flat(i) == one.uniform(-1, 3);
            for (int64_t i = 0; i < n; i++) same = same && z.flat(i) == one.normal();
            CHECK(same);
        }
    }
}

TEST_CASE("the numbers don't depend on threads, and f32 has those of f64 rounded") {
    const int before = kernels::threads();
    const int64_t n = 100003;
    std::vector<Tensor> results;
    for (int threads : {1, 2, 3, 5}) {
        kernels::set_threads(threads);
        for (DType dtype : {DType::f64, DType::f32}) {
            Generator rng(7);
            rng.bits();
            Tensor u = Tensor::empty({n}, dtype), z = Tensor::empty({n}, dtype), m = Tensor::empty({n}, dtype);
            rng.fill_uniform(u, 0, 1);
            rng.fill_normal(z, 2, 3);
            rng.fill_bernoulli(m, 0.25, 4);
            for (const Tensor& t : {u, z, m}) results.push_back(t);
        }
    }
    kernels::set_threads(before);
    for (size_t r = 0; r < results.size(); r++) {
        bool same = true;
        for (int64_t i = 0; i < n; i++) {
            const double x = results[r % 3].flat(i), y = results[r].flat(i);
            same = same && y == (results[r].dtype() == DType::f32 ? static_cast<double>(static_cast<float>(x)) : x);
        }
        CHECK(same);
    }
}

TEST_CASE("moments and range") {
    const int64_t n = 1000000;
    Generator rng(11);
    Tensor u = Tensor::empty({n}, DType::f64), z = Tensor::empty({n}, DType::f64), m = Tensor::empty({n}, DType::f64);
    rng.fill_uniform(u, 0, 1);
    rng.fill_normal(z, 0, 1);
    rng.fill_bernoulli(m, 0.3);
    double su = 0, suu = 0, sz = 0, szz = 0, s3 = 0, s4 = 0, sm = 0, lag = 0;
    bool inside = true;
    for (int64_t i = 0; i < n; i++) {
        const double a = u.flat(i), b = z.flat(i);
        inside = inside && a >= 0 && a < 1;
        su += a, suu += a * a, sz += b, szz += b * b, s3 += b * b * b, s4 += b * b * b * b, sm += m.flat(i);
        if (i > 0) lag += b * z.flat(i - 1);
    }
    CHECK(inside);
    // Five standard deviations of each mean over n draws.
    CHECK(std::abs(su / n - 0.5) < 5 * std::sqrt(1.0 / 12 / n));
    CHECK(std::abs(suu / n - 1.0 / 3) < 5 * std::sqrt(4.0 / 45 / n));
    CHECK(std::abs(sz / n) < 5 * std::sqrt(1.0 / n));
    CHECK(std::abs(szz / n - 1) < 5 * std::sqrt(2.0 / n));
    CHECK(std::abs(s3 / n) < 5 * std::sqrt(15.0 / n));
    CHECK(std::abs(s4 / n - 3) < 5 * std::sqrt(96.0 / n));
    CHECK(std::abs(sm / n - 0.3) < 5 * std::sqrt(0.21 / n));
    CHECK(std::abs(lag / n) < 5 * std::sqrt(1.0 / n));  // cosine and sine of a pair
}

TEST_CASE("a normal number tells nothing about the uniform one after it") {
    Generator rng(3);
    const int n = 200000;
    double product = 0;
    for (int i = 0; i < n; i++) {
        const double z = rng.normal(), u = rng.uniform();
        product += std::abs(z) / z * (u < 0.25 || u > 0.75 ? 1 : -1);  // the sign of cos(2 pi u)
    }
    CHECK(std::abs(product / n) < 5 / std::sqrt(n));
}

TEST_CASE("below is even, and errors name the reader's line") {
    Generator rng(5);
    std::array<int, 7> count{};
    const int n = 700000;
    for (int i = 0; i < n; i++) count[static_cast<size_t>(rng.below(7))]++;
    double chi2 = 0;
    for (int c : count) chi2 += std::pow(c - n / 7.0, 2) / (n / 7.0);
    CHECK(chi2 < 30);  // 6 degrees of freedom: exceeded once in 25,000
    CHECK(rng.below(1) == 0);
    CHECK(rng.below(INT64_MAX) < INT64_MAX);
    // Two thirds of 2^64 don't fill three parts evenly: without rejection the lower half would be twice as likely.
    const int64_t big = (int64_t{1} << 62) + (int64_t{1} << 61);
    int low = 0;
    for (int i = 0; i < 30000; i++) low += rng.below(big) < big / 3;
    CHECK(std::abs(low - 10000) < 5 * std::sqrt(30000 * 2 / 9.0));
    CHECK(failure([&] { rng.below(0); }) == "below (HERE): n is 0, expected at least 1");
    CHECK(failure([&] { rng.below(-3); }) == "below (HERE): n is -3, expected at least 1");
}

TEST_CASE("shuffle: a permutation, every order equally often") {
    Generator rng(8);
    std::vector<int> v(100);
    std::iota(v.begin(), v.end(), 0);
    std::vector<int> w = v;
    rng.shuffle(w);
    CHECK(w != v);
    std::sort(w.begin(), w.end());
    CHECK(w == v);
    std::array<int, 27> orders{};
    for (int i = 0; i < 60000; i++) {
        std::vector<int> three{0, 1, 2};
        rng.shuffle(three);
        orders[static_cast<size_t>(three[0] * 9 + three[1] * 3 + three[2])]++;
    }
    int seen = 0;
    for (int c : orders)
        if (c > 0) {
            seen++;
            CHECK(std::abs(c - 10000) < 500);
        }
    CHECK(seen == 6);
    std::vector<int> none, one{4};
    const auto before = rng.state();
    rng.shuffle(none);
    rng.shuffle(one);
    CHECK(one[0] == 4);
    CHECK(rng.state() == before);
}

TEST_CASE("a restored generator continues bitwise") {
    Generator rng(123, 4);
    for (int i = 0; i < 5; i++) rng.normal();
    const Generator::State saved = rng.state();
    Tensor a = Tensor::empty({50}), b = Tensor::empty({50});
    rng.fill_normal(a, 0, 1);
    Generator resumed(0);
    resumed.restore(saved);
    resumed.fill_normal(b, 0, 1);
    CHECK(a.to_vector() == b.to_vector());
    CHECK(rng.bits() == resumed.bits());
}
