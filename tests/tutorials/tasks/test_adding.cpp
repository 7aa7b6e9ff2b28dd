#include <doctest/doctest.h>

#include "nn/rnn.hpp"
#include "tests/failure.hpp"
#include "tutorials/tasks/adding.hpp"

using namespace unroll;
using namespace unroll::tasks;

TEST_CASE("adding: one number of each half is marked, and the target is their sum") {
    for (int64_t T : {2, 3, 10, 51}) {
        CAPTURE(T);
        Adding data(T, 7);
        const Adding::Batch b = data.next(40);
        REQUIRE(b.x.shape() == Shape{T, 40, 2});
        REQUIRE(b.target.shape() == Shape{40, 1});
        for (int64_t s = 0; s < 40; s++) {
            double sum = 0;
            int64_t marks[2] = {0, 0};
            for (int64_t t = 0; t < T; t++) {
                const double number = b.x.at({t, s, 0}), mark = b.x.at({t, s, 1});
                CHECK((number >= 0 && number <= 1));
                CHECK((mark == 0 || mark == 1));
                sum += number * mark;
                marks[t >= T / 2] += mark == 1;
            }
            CHECK(marks[0] == 1);
            CHECK(marks[1] == 1);
            CHECK(b.target.at({s, 0}) == doctest::Approx(sum));
        }
    }
}

TEST_CASE("adding: who says 1 is wrong by the baseline, and seeds and streams differ") {
    Adding data(20, 1);
    const Adding::Batch b = data.next(20000);
    double squares = 0;
    for (double y : b.target.to_vector()) squares += (y - 1) * (y - 1);
    CHECK(squares / 20000 == doctest::Approx(adding_baseline).epsilon(0.03));
    CHECK(Adding(20, 1).next(3).x.to_vector() == Adding(20, 1).next(3).x.to_vector());
    CHECK(Adding(20, 1).next(3).x.to_vector() != Adding(20, 2).next(3).x.to_vector());
    CHECK(Adding(20, 1).next(3).x.to_vector() != Adding(20, 1, 1).next(3).x.to_vector());
    CHECK_THROWS_AS(Adding(1, 1), Error);
    CHECK_THROWS_AS(data.next(0), Error);
}

TEST_CASE("adding: an RNN learns short sums, the same way twice") {
    const auto run = [] {
        Generator gen(3);
        Rnn rnn({.input_size = 2, .hidden_size = 16}, gen);
        int64_t calls = 0;
        const AddingRun r = train_adding(rnn, {.length = 4, .steps = 600, .learning_rate = 5e-3, .test_every = 200},
                                         [&](int64_t step, double loss) {
                                             CHECK(step == ++calls);
                                             CHECK(loss >= 0);
                                         });
        CHECK(calls == 600);
        return r;
    };
    const AddingRun r = run();
    CHECK(r.step == std::vector<double>{0, 200, 400, 600});
    CHECK(r.error.front() > adding_baseline / 2);
    CHECK(r.last() < adding_baseline / 10);
    CHECK(r.solved() > 0);
    CHECK(run().error == r.error);
    CHECK(AddingRun{{0, 1}, {0.2, 0.1}}.solved() == -1);
}
