#include <doctest/doctest.h>

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
