// What the cases of tests/conformance, computed by PyTorch, don't see: sizes, threads, allocations, state, wrong use.
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <new>

#include "core/kernels/parallel.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"
#include "core/random.hpp"
#include "nn/clip.hpp"
#include "nn/optim.hpp"
#include "tests/pooled.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

int64_t allocations = 0;  // from the heap, by anybody; test_memory.cpp looks too

namespace {

using Maker = std::function<std::unique_ptr<Optimizer>(std::vector<Parameter>)>;
using Parameters = std::vector<Parameter>;

/// Each optimiser with all its terms at work.
const std::vector<Maker> makers = {
    [](Parameters p) { return std::make_unique<Sgd>(p, SgdOptions{.lr = 0.1}); },
    [](Parameters p) {
        return std::make_unique<Sgd>(p, SgdOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.2, .weight_decay = 0.1});
    },
    [](Parameters p) {
        return std::make_unique<Sgd>(p, SgdOptions{.lr = 0.1, .momentum = 0.9, .nesterov = true, .maximize = true});
    },
    [](Parameters p) { return std::make_unique<Adam>(p, AdamOptions{.lr = 0.1, .weight_decay = 0.1}); },
    [](Parameters p) { return std::make_unique<Adam>(p, AdamOptions{.lr = 0.1, .amsgrad = true}); },
    [](Parameters p) { return std::make_unique<AdamW>(p, AdamWOptions{.lr = 0.1}); },
    [](Parameters p) {
        return std::make_unique<RmsProp>(p, RmsPropOptions{.lr = 0.1, .momentum = 0.5, .centered = true});
    },
    [](Parameters p) { return std::make_unique<RmsProp>(p); },
    [](Parameters p) {
        return std::make_unique<Adagrad>(p, AdagradOptions{.lr_decay = 0.1, .initial_accumulator_value = 0.1});
    },
};

Tensor normal(const Shape& shape, uint64_t seed, DType dtype) {
    Tensor t = Tensor::empty(shape, dtype);
    Generator(seed).fill_normal(t, 0, 1);
    return t;
}

std::vector<double> train(const Maker& make, int64_t begin, int64_t end, DType dtype, int steps = 3) {
    const int64_t n = 40001;  // several pieces, the last one odd
    Parameter p("p", normal({n}, 1, dtype).slice(begin, end).clone());
    const auto optimizer = make({p});
    for (int t = 0; t < steps; t++)
        optimizer->step({normal({n}, 10 + static_cast<uint64_t>(t), dtype).slice(begin, end)});
    return p.value.to_vector();
}

}  // namespace

// Counts what an ordinary step takes from the heap. (Inlined, GCC would see malloc and delete as a wrong pair.)
[[gnu::noinline]] void* operator new(std::size_t n) {
    allocations++;
    if (void* p = std::malloc(n)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
    allocations++;
    return std::malloc(n);
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

TEST_CASE("optimisers: an element's way depends on nothing but itself") {
    for (DType dtype : {DType::f32, DType::f64})
        for (size_t i = 0; i < makers.size(); i++) {
            CAPTURE(i);
            const std::vector<double> all = train(makers[i], 0, 40001, dtype);
            for (int64_t k : {0, 1, 15, 16383, 16384, 32768, 39999, 40000}) {
                CAPTURE(k);
                const double alone = train(makers[i], k, k + 1, dtype)[0];
                CHECK(all[static_cast<size_t>(k)] ==
                      doctest::Approx(alone).epsilon(dtype == DType::f32 ? 1e-5 : 1e-13));
            }
        }
}

TEST_CASE("optimisers: the same bits for 1, 2, 3 and 5 threads") {
    const int before = kernels::threads();
    for (DType dtype : {DType::f32, DType::f64})
        for (const Maker& make : makers) {
            kernels::set_threads(1);
            const std::vector<double> one = train(make, 0, 40001, dtype);
            for (int n : {2, 3, 5}) {
                kernels::set_threads(n);
                CHECK(train(make, 0, 40001, dtype) == one);
            }
        }
    kernels::set_threads(before);
}

TEST_CASE("optimisers: a step by the tape is one by its gradients, and takes nothing from the heap") {
    for (const Maker& make : makers) {
        Parameter a("a", normal({50, 600}, 1, DType::f32)), b("b", normal({600}, 2, DType::f32));
        const Parameter a_plain("a", a.value.clone()), b_plain("b", b.value.clone());
        const Tensor x = normal({50, 600}, 3, DType::f32);
        const auto optimizer = make({a, b}), plain = make({a_plain, b_plain});
        Tape tape;
        for (int t = 0; t < 4; t++) {
            tape.clear();
            tape.backward(sum(tape.input(x) * a + b));
            plain->step({tape.grad(a).clone(), tape.grad(b).clone()});
            const int64_t heap = allocations, pool = memory_stats().heap_allocations;
            clip_grad_norm(tape, optimizer->parameters(), 1e9);
            optimizer->step(tape);
            const int64_t pool_after = memory_stats().heap_allocations;
            if (t == 0) continue;
            CHECK(allocations == heap);
            if (pooled()) CHECK(pool_after == pool);
        }
        CHECK(a.value.to_vector() == a_plain.value.to_vector());
        CHECK(b.value.to_vector() == b_plain.value.to_vector());
    }
}

TEST_CASE("optimisers: every one comes down a valley, and climbs it with maximize") {
    for (size_t i = 0; i < makers.size(); i++) {
        CAPTURE(i);
        const bool climbs = i == 2;
        Parameter p("p", Tensor::of({2, -1.5}, DType::f64));
        const auto optimizer = makers[i]({p});
        for (int t = 0; t < 30; t++) optimizer->step({p.value * Tensor::of({1, 3}, DType::f64)});
        CHECK((std::abs(p.value.flat(0)) > 2) == climbs);
        CHECK((std::abs(p.value.flat(1)) > 1.5) == climbs);
    }
}

TEST_CASE("optimisers: parameters without a gradient are left alone and count no step") {
    for (const Maker& make : makers) {
        Parameter a("a", normal({5}, 1, DType::f64)), b("b", normal({5}, 1, DType::f64));
        const auto optimizer = make({a, b});
        const Tensor g = normal({5}, 2, DType::f64);
        optimizer->step({g, g});
        optimizer->step({{}, g});
        optimizer->step({g, {}});
        CHECK(a.value.to_vector() == b.value.to_vector());
    }
}

TEST_CASE("optimisers: state copied into another one makes it go on with the same bits") {
    for (DType dtype : {DType::f32, DType::f64})
        for (const Maker& make : makers) {
            Parameter a("p", normal({100}, 1, dtype)), b("p", normal({100}, 1, dtype));
            const auto first = make({a}), second = make({b});
            first->set_lr(0.05);
            for (uint64_t t = 0; t < 3; t++) first->step({normal({100}, 5 + t, dtype)});
            b.value.copy_from(a.value);
            const auto from = first->state(), to = second->state();
            REQUIRE(from.size() == to.size());
            for (size_t i = 0; i < from.size(); i++) {
                CHECK(from[i].first == to[i].first);
                Tensor target = to[i].second;
                target.copy_from(from[i].second);
            }
            CHECK(second->lr() == 0.05);
            for (uint64_t t = 0; t < 3; t++) {
                first->step({normal({100}, 8 + t, dtype)});
                second->step({normal({100}, 8 + t, dtype)});
            }
            CHECK(a.value.to_vector() == b.value.to_vector());
        }
}

TEST_CASE("optimisers: names of the state") {
    const auto names = [](const Optimizer& optimizer) {
        std::string all;
        for (const auto& [name, value] : optimizer.state()) all += name + " " + value.shape().str() + " ";
        return all;
    };
    const Parameters p = {Parameter("W", Tensor::zeros({2}))};
    CHECK(names(Sgd(p)) == "lr [] W:steps [] ");
    CHECK(names(Sgd(p, {.momentum = 0.5})) == "lr [] W:steps [] W:b [2] ");
    CHECK(names(Adam(p, {.amsgrad = true})) == "lr [] W:steps [] W:m [2] W:v [2] W:v_max [2] ");
    CHECK(names(RmsProp(p, {.momentum = 0.5})) == "lr [] W:steps [] W:v [2] W:b [2] ");
    CHECK(names(Adagrad(p)) == "lr [] W:steps [] W:s [2] ");
    CHECK(AdamW(p).name() == std::string("adamw"));
}

TEST_CASE("rmsprop: where the variance rounds below zero nothing becomes NaN") {
    Parameter p("p", Tensor::zeros({64}, DType::f32));
    RmsProp optimizer({p}, {.alpha = 0.5, .centered = true});
    for (int t = 0; t < 200; t++) optimizer.step({normal({64}, 1, DType::f32)});
    CHECK_FALSE(has_nonfinite(p.value));
}

TEST_CASE("optimisers: wrong gradients change nothing") {
    Parameter a("a", Tensor::of({1, 2})), b("b", Tensor::of({3}));
    Sgd sgd({a, b}, {.lr = 1});
    const Tensor g = Tensor::of({1, 1});
    const auto unchanged = [&] { return a.value.to_vector() == std::vector<double>{1, 2}; };
    CHECK(contains(error_of([&] { sgd.step({g}); }), "sgd (test_optim.cpp"));
    CHECK(contains(error_of([&] { sgd.step({g}); }), "1 gradients for 2 parameters"));
    CHECK(contains(error_of([&] { sgd.step({g, g}); }), "the gradient [2] f32 is not for b [1] f32"));
    CHECK(contains(error_of([&] { sgd.step({g, Tensor::of({1}, DType::f64)}); }), "[1] f64 is not for b [1] f32"));
    CHECK(unchanged());
    Tape tape;
    tape.backward(sum(tape.watch(a)));
    CHECK(contains(error_of([&] { sgd.step(tape); }), "b [1] took no part"));
    CHECK(contains(error_of([&] { sgd.step(tape); }), "test_optim.cpp"));
    CHECK(unchanged());
}

TEST_CASE("optimisers: wrong settings are told") {
    const Parameters p = {Parameter("W", Tensor::zeros({2}))};
    const double inf = std::numeric_limits<double>::infinity();
    CHECK(contains(error_of([&] { Sgd(p, {.lr = -0.1}); }), "sgd (test_optim.cpp"));
    CHECK(contains(error_of([&] { Sgd(p, {.lr = -0.1}); }), "lr is -0.1, expected a finite number, 0 or more"));
    CHECK(contains(error_of([&] { Sgd(p, {.lr = NAN}); }), "lr is nan"));
    CHECK(contains(error_of([&] { Sgd(p, {.momentum = -1}); }), "momentum is -1"));
    CHECK(contains(error_of([&] { Sgd(p, {.weight_decay = inf}); }), "weight_decay is inf"));
    CHECK(contains(error_of([&] { Sgd(p, {.dampening = NAN}); }), "dampening is nan"));
    CHECK(contains(error_of([&] { Sgd(p, {.nesterov = true}); }), "momentum is 0, expected more than 0 with nesterov"));
    CHECK(
        contains(error_of([&] { Sgd(p, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}); }), "dampening is 0.1"));
    CHECK(contains(error_of([&] { Adam(p, {.betas = {0.9, 1}}); }), "one of betas is 1, expected 0 <= beta < 1"));
    CHECK(contains(error_of([&] { Adam(p, {.betas = {NAN, 0.9}}); }), "one of betas is nan"));
    CHECK(contains(error_of([&] { Adam(p, {.eps = -1}); }), "adam (test_optim.cpp"));
    CHECK(contains(error_of([&] { AdamW(p, {.weight_decay = -1}); }), "adamw (test_optim.cpp"));
    CHECK(contains(error_of([&] { RmsProp(p, {.alpha = 1.1}); }), "alpha is 1.1"));
    CHECK(contains(error_of([&] { RmsProp(p, {.momentum = -0.5}); }), "momentum is -0.5"));
    CHECK(contains(error_of([&] { Adagrad(p, {.lr_decay = -1}); }), "lr_decay is -1"));
    CHECK(
        contains(error_of([&] { Adagrad(p, {.initial_accumulator_value = -1}); }), "initial_accumulator_value is -1"));
    CHECK(contains(error_of([&] { Adam({}); }), "there are no parameters"));
    CHECK(contains(error_of([&] { Adam({p[0], p[0]}); }), "W and W (parameters 0 and 1) are the same"));
    CHECK(contains(error_of([&] { Adam({p[0], Parameter("V", p[0].value)}); }), "are the same tensor"));
    Adam adam(p);
    CHECK(contains(error_of([&] { adam.set_lr(-1); }), "adam (test_optim.cpp"));
    CHECK(adam.lr() == 1e-3);
}
