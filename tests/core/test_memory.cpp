// The pool, and that an ordinary training step asks the heap for nothing. Everything in this program runs with poisoned
// storage: what is given back to the pool is filled with NaN.
#include <atomic>
#include <cstdlib>
#include <new>

#include "core/arena.hpp"
#include "core/backprop.hpp"
#include "core/bptt/gru.hpp"
#include "core/bptt/lstm.hpp"
#include "core/bptt/rnn.hpp"
#include "core/kernels/parallel.hpp"
#include "core/ops/attention.hpp"
#include "core/ops/dropout.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/lookup.hpp"
#include "core/ops/losses.hpp"
#include "core/ops/normalise.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "tests/core/numbers.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NO_POOL
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define NO_POOL
#endif

using namespace unroll;

[[maybe_unused]] static std::atomic<int64_t> heap_calls = 0;
static const bool poisoned = (poison_released_storage(true), true);

#ifndef NO_POOL  // the sanitizer has its own, and it turns the pool off
static void* counted(size_t bytes, size_t alignment) {
    heap_calls++;
    void* p = alignment <= 16 ? std::malloc(bytes)
                              : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (p == nullptr) throw std::bad_alloc();
    return p;
}
void* operator new(size_t bytes) { return counted(bytes + 1, 16); }
void* operator new[](size_t bytes) { return counted(bytes + 1, 16); }
void* operator new(size_t bytes, std::align_val_t a) { return counted(bytes + 1, static_cast<size_t>(a)); }
void* operator new[](size_t bytes, std::align_val_t a) { return counted(bytes + 1, static_cast<size_t>(a)); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { std::free(p); }
#endif

TEST_CASE("MemoryLimit: no more than so many bytes, until it ends") {
    Storage* held = Storage::acquire(1 << 20);
    {
        const MemoryLimit limit(1 << 20);
        Storage* within = Storage::acquire(1 << 19);
        CHECK_THROWS_AS(Storage::acquire((1 << 19) + 1), std::bad_alloc);
        {
            const MemoryLimit larger(1 << 30);  // the one around it holds
            CHECK_THROWS_AS(Storage::acquire((1 << 19) + 1), std::bad_alloc);
        }
        Storage::release(within);
        Storage::release(Storage::acquire(1 << 20));
    }
    Storage::release(Storage::acquire(1 << 22));
    Storage::release(held);
}

TEST_CASE("storage: aligned, counted, at most a fifth larger than asked for") {
    REQUIRE(poisoned);
    for (size_t bytes : {0, 1, 63, 64, 65, 80, 81, 1000, 4096, 4097, 100000, 123456789}) {
        const int64_t before = memory_stats().live_bytes;
        Storage* s = Storage::acquire(bytes);
        CHECK(reinterpret_cast<uintptr_t>(s->data()) % 64 == 0);
        CHECK(s->bytes >= static_cast<int64_t>(bytes));
        CHECK(s->bytes <= std::max<int64_t>(64, static_cast<int64_t>(bytes) * 5 / 4 + 1));
        CHECK(s->references == 1);
        CHECK_FALSE(s->parameter);
        CHECK(memory_stats().live_bytes == before + s->bytes);
        Storage::release(s);
        CHECK(memory_stats().live_bytes == before);
    }
    CHECK_THROWS_AS(Storage::acquire(SIZE_MAX), std::bad_alloc);
}

#ifndef NO_POOL
TEST_CASE("the pool: given back, given out again, poisoned, released") {
    release_pool();
    CHECK(memory_stats().pooled_bytes == 0);
    const int64_t before = memory_stats().heap_allocations, calls = heap_calls;
    const float* place = nullptr;
    {
        Tensor t = Tensor::full({100}, 1);
        place = t.data<float>();
        t.mark_parameter();
    }
    CHECK(memory_stats().heap_allocations == before + 1);
    CHECK(heap_calls > calls);  // so they are counted at all
    CHECK(memory_stats().pooled_bytes >= 400);
    Tensor again = Tensor::empty({100});
    CHECK(again.data<float>() == place);
    CHECK(memory_stats().heap_allocations == before + 1);
    CHECK(memory_stats().pooled_bytes == 0);
    CHECK(again.version() == 0);
    CHECK_FALSE(again.storage()->parameter);
    for (double x : again.to_vector()) CHECK(std::isnan(x));
    const Tensor f64 = again.reshape({100});
    again = Tensor();
    CHECK(memory_stats().pooled_bytes == 0);  // the other handle holds it
}

namespace {

/// A step of an embedding, an RNN from elementary operations that attends to its inputs, the whole-sequence operations
/// and a softmax, over T steps.
struct Model {
    int T = 20, B = 4, V = 30, H = 24;
    Parameter E, W_xh, W_hh, b, W_y, V_xh, V_hh, c, P, U_xh, U_hh, d;
    std::vector<Parameter*> all{&E, &W_xh, &W_hh, &b, &W_y, &V_xh, &V_hh, &c, &P, &U_xh, &U_hh, &d};
    Ids ids = Ids::empty({T, B}), targets = Ids::empty({T, B});
    Ids lengths = Ids({T, 0, 3, T - 1}), places = Ids({T, 3, 1, T});
    Generator rng{7};

    explicit Model(DType dtype)
        : E("E", random({V, H}, dtype, 1)),
          W_xh("W_xh", random({H, H}, dtype, 2)),
          W_hh("W_hh", random({H, H}, dtype, 3)),
          b("b", random({H}, dtype, 4)),
          W_y("W_y", random({V, H}, dtype, 5)),
          V_xh("V_xh", random({4 * H, H}, dtype, 6)),
          V_hh("V_hh", random({4 * H, H}, dtype, 7)),
          c("c", random({4 * H}, dtype, 8)),
          P("P", random({H, H}, dtype, 9)),
          U_xh("U_xh", random({3 * H, H}, dtype, 10)),
          U_hh("U_hh", random({3 * H, H}, dtype, 11)),
          d("d", random({3 * H}, dtype, 12)) {
        for (int i = 0; i < T * B; i++) {
            ids.mutable_data()[i] = i % V;
            targets.mutable_data()[i] = i * 7 % V;
        }
    }

    double step(Tape& tape) {
        std::vector<Var, PoolAllocator<Var>> states;
        Var h = tape.input(Tensor::zeros({B, H}, E.value.dtype()), "h0");
        const Var x = variational_dropout(dropout(embedding(tape.watch(E), ids), 0.2, rng), 0.1, rng);
        for (int t : tape.steps(T)) {
            const Var a = matmul(row(x, t), transposed(W_xh));
            h = tanh(a + matmul(h, transposed(W_hh)) + b);
            const Var both = concat(h, a);
            h = columns(both, 0, H) * 0.5 + sigmoid(columns(both, H, 2 * H)) * 0.5;
            const Var alpha = softmax(dot_scores(h, x) + additive_scores(h, x, b), places);
            h = layer_norm(h + weighted_sum(alpha, x), b, b);
            states.push_back(h);
        }
        const RnnVars rnn = rnn_sequence(stack(states), h, W_xh, W_hh, b, Activation::tanh, {.lengths = lengths});
        const LstmVars lstm = lstm_sequence(rnn.y, h, h, {V_xh, V_hh, c, P, P, P}, false, {.lengths = lengths});
        const GruVars before = gru_sequence(lstm.y, lstm.C_T, {U_xh, U_hh, d}, {.lengths = lengths});
        const GruVars after = gru_sequence(before.y, rnn.h_T, {U_xh, U_hh, d, b}, {.reverse = true});
        const Var y = matmul(after.y, transposed(W_y));
        const Var L = cross_entropy(y, targets) + mean(softmax(y)) + 1e-4 * sum(sum(y * y, 0));
        if (!tape.recording()) return L.item();
        tape.backward(L);
        for (Parameter* p : all) p->value += tape.grad(*p) * -1e-9;  // gradients explode
        return L.item();
    }
};

}  // namespace

TEST_CASE("the second and every later training step allocates nothing from the heap") {
    const int threads = kernels::threads();
    for (int n : {1, 2}) {
        kernels::set_threads(n);
        for (DType dtype : both_types) {
            for (bool cleared : {false, true}) {  // one tape that is cleared, or a new one for each step
                CAPTURE(cleared);
                Model model(dtype);
                Tape kept;
                int64_t live = 0;
                double loss = 0;
                for (int i = 0; i < 5; i++) {
                    const int64_t heap = heap_calls, pool = memory_stats().heap_allocations;
                    if (cleared) {
                        kept.clear();
                        loss = model.step(kept);
                        kept.clear();
                    } else {
                        Tape tape;
                        loss = model.step(tape);
                    }
                    CHECK(std::isfinite(loss));
                    const int64_t calls = heap_calls - heap;
                    if (i > 0) {
                        CHECK(calls == 0);
                        CHECK(memory_stats().heap_allocations == pool);
                        CHECK(memory_stats().live_bytes == live);
                    }
                    live = memory_stats().live_bytes;
                }
            }
        }
    }
    kernels::set_threads(threads);
}

TEST_CASE("stepping through a step that is observed allocates once, not per record") {
    Model model(DType::f32);
    int64_t calls = 0, records = 0;
    for (int i = 0; i < 3; i++) {
        const int64_t before = heap_calls;
        Tape tape;
        const Var x = embedding(tape.watch(model.E), model.ids);
        const Var y = matmul(tanh(x), transposed(model.W_y));
        Backprop bp(tape, cross_entropy(y, model.targets), {.observe = true});
        while (bp.step()) records++;
        calls = heap_calls - before;
    }
    CHECK(records == 12);
    CHECK(calls < 4);
}

TEST_CASE("a forward-only tape does not grow over 100,000 operations") {
    Model model(DType::f32);
    Tape tape(Tape::Mode::forward_only);
    Var h = tape.input(random({4, 24}, DType::f32));
    const auto operations = [&](int n) {
        for (int i = 0; i < n; i++) {
            h = tanh(matmul(h, transposed(model.W_hh)) + model.b);
            h = columns(concat({h, h, h}), 0, 24);
        }
    };
    operations(10);
    const MemoryStats before = memory_stats();
    const int64_t heap = heap_calls;
    operations(20000);
    CHECK(heap_calls == heap);
    CHECK(memory_stats().live_bytes == before.live_bytes);
    CHECK(memory_stats().heap_allocations == before.heap_allocations);
    CHECK(tape.size() == 0);
    CHECK(tape.slots() == 0);
    CHECK(std::isfinite(model.step(tape)));
}
#endif

TEST_CASE("arena: pieces apart, large ones, rewound") {
    Arena arena;
    for (int round = 0; round < 3; round++) {
        std::vector<char*> pieces;
        std::vector<size_t> sizes;
        for (size_t i = 0; i < 2000; i++) {
            sizes.push_back(i % 100 == 99 ? 200000 : i % 70 + 1);
            pieces.push_back(static_cast<char*>(arena.allocate(sizes.back())));
            CHECK(reinterpret_cast<uintptr_t>(pieces.back()) % 16 == 0);
            std::fill_n(pieces.back(), sizes.back(), static_cast<char>(i));
        }
        bool intact = true;
        for (size_t i = 0; i < pieces.size(); i++)
            for (size_t k = 0; k < sizes[i]; k++) intact = intact && pieces[i][k] == static_cast<char>(i);
        CHECK(intact);
        const int64_t live = memory_stats().live_bytes;
        const Arena::Mark mark = arena.mark();
        arena.allocate(1000000);
        arena.rewind(mark);
        const int64_t with_large = memory_stats().live_bytes;
        for (int i = 0; i < 100; i++) {
            arena.allocate(900000);
            arena.rewind(mark);
        }
        CHECK(memory_stats().live_bytes == with_large);
        CHECK(with_large > live);
        arena.clear();
    }
}
