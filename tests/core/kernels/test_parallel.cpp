#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/kernels/parallel.hpp"

using namespace unroll::kernels;

namespace {

struct Threads {  // sets the number of threads for a test
    int before = threads();
    explicit Threads(int n) { set_threads(n); }
    ~Threads() { set_threads(before); }
};

}  // namespace

TEST_CASE("parallel: every chunk once, for any number of threads and chunks") {
    for (int n : {1, 2, 3, 5, 16, 2, 1, 4}) {
        Threads t(n);
        CHECK(threads() == n);
        for (int64_t chunks : {0, 1, 2, 3, 7, 64, 1000}) {
            std::vector<int> count(size_t(chunks), 0);  // plain ints: the loop's end must make them visible
            for (int repeat = 0; repeat < 20; repeat++) parallel(chunks, [&](int64_t i) { count[size_t(i)]++; });
            for (int c : count) CHECK(c == 20);
        }
    }
}

TEST_CASE("parallel: short loops one after another, with changing data") {
    for (int n : {2, 3, 5}) {
        Threads t(n);
        std::vector<int64_t> x(5, 1);
        for (int round = 0; round < 5000; round++) parallel(5, [&](int64_t i) { x[size_t(i)] += round + i; });
        for (int64_t i = 0; i < 5; i++) CHECK(x[size_t(i)] == 1 + 5000 * i + 4999 * 5000 / 2);
    }
}

TEST_CASE("parallel: workers that went to sleep wake up again") {
    Threads t(2);
    for (int round = 0; round < 3; round++) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        std::atomic<int> here = 0;
        parallel(2, [&](int64_t) {  // ends only if two threads are inside at the same time
            here++;
            while (here < 2) std::this_thread::yield();
        });
        CHECK(here == 2);
    }
}

TEST_CASE("parallel: nested loops run inside their chunk") {
    for (int n : {1, 3}) {
        Threads t(n);
        std::vector<int> count(40, 0);
        std::atomic<bool> moved = false;
        parallel(4, [&](int64_t i) {
            const auto thread = std::this_thread::get_id();
            parallel(10, [&](int64_t j) {
                count[size_t(i * 10 + j)]++;
                if (std::this_thread::get_id() != thread) moved = true;
            });
        });
        for (int c : count) CHECK(c == 1);
        CHECK(!moved);
    }
}

TEST_CASE("parallel: the exception of the lowest chunk reaches the caller, and the next loop works") {
    for (int n : {1, 2, 3, 5}) {
        Threads t(n);
        for (int round = 0; round < 50; round++) {
            std::string what;
            try {
                parallel(100, [](int64_t i) {
                    if (i % 10 == 7) throw std::runtime_error("chunk " + std::to_string(i));
                });
            } catch (const std::runtime_error& e) {
                what = e.what();
            }
            CHECK(what == "chunk 7");
            std::atomic<int> done = 0;
            parallel(10, [&](int64_t) { done++; });
            CHECK(done == 10);
        }
    }
}

TEST_CASE("parallel: of two chunks that throw, the lower one counts, not the earlier") {
    Threads t(2);
    std::atomic<bool> thrown = false;
    std::string what;
    try {
        parallel(2, [&](int64_t i) {
            if (i == 1) {
                thrown = true;
                throw std::runtime_error("chunk 1");
            }
            while (!thrown) std::this_thread::yield();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            throw std::runtime_error("chunk 0");
        });
    } catch (const std::runtime_error& e) {
        what = e.what();
    }
    CHECK(what == "chunk 0");
}

TEST_CASE("parallel: loops of several callers at a time") {
    Threads t(3);
    std::vector<std::thread> callers;
    std::vector<int64_t> sums(4, 0);
    for (size_t c = 0; c < 4; c++)
        callers.emplace_back([&, c] {
            for (int round = 0; round < 200; round++) {
                std::vector<int64_t> x(8, 0);
                parallel(8, [&](int64_t i) { x[size_t(i)] = i; });
                for (int64_t v : x) sums[c] += v;
            }
        });
    for (std::thread& c : callers) c.join();
    for (int64_t s : sums) CHECK(s == 200 * 28);
}

TEST_CASE("threads: 1 inside a body, where no loop is split") {
    const int before = threads();
    set_threads(3);
    std::atomic<int> ones = 0;
    parallel(8, [&](int64_t) { ones += threads() == 1; });
    CHECK(ones == 8);
    CHECK(threads() == 3);
    set_threads(before);
}

TEST_CASE("set_threads refuses numbers below 1") {
    CHECK_THROWS_AS(set_threads(0), std::invalid_argument);
    CHECK_THROWS_AS(set_threads(-3), std::invalid_argument);
}

TEST_CASE("chunk_begin splits evenly") {
    for (int64_t total : {0, 1, 5, 8, 100, 101})
        for (int64_t chunks : {1, 2, 3, 8, 200}) {
            CHECK(chunk_begin(total, chunks, 0) == 0);
            CHECK(chunk_begin(total, chunks, chunks) == total);
            for (int64_t i = 0; i < chunks; i++) {
                const int64_t size = chunk_begin(total, chunks, i + 1) - chunk_begin(total, chunks, i);
                CHECK(size >= total / chunks);
                CHECK(size <= total / chunks + 1);
            }
        }
}
