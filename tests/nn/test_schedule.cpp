#include <cmath>

#include "nn/schedule.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

TEST_CASE("warm_up") {
    CHECK(warm_up(0, 4) == 0.25);
    CHECK(warm_up(2, 4) == 0.75);
    CHECK(warm_up(3, 4) == 1);
    CHECK(warm_up(1000000000, 4) == 1);
    CHECK(warm_up(0, 0) == 1);
    CHECK(warm_up(0, 1) == 1);
}

TEST_CASE("linear_tail: 1 for three quarters, then linearly to 2 % at the last step") {
    CHECK(linear_tail(0, 101) == 1);
    CHECK(linear_tail(75, 101) == 1);
    CHECK(linear_tail(76, 101) < 1);
    CHECK(linear_tail(100, 101) == doctest::Approx(0.02));
    CHECK(linear_tail(500, 101) == 0.02);
    CHECK(linear_tail(50, 101, {.constant = 0, .last = 0}) == doctest::Approx(0.5));
    CHECK(linear_tail(99, 100, {.constant = 1}) == 0.02);
    CHECK(linear_tail(98, 100, {.constant = 1}) == 1);
    CHECK(linear_tail(0, 1) == 0.02);  // the first is the last
    for (int64_t steps : {2, 3, 7, 1000})
        for (int64_t step = 1; step < steps; step++) CHECK(linear_tail(step, steps) <= linear_tail(step - 1, steps));
}

TEST_CASE("cosine") {
    CHECK(cosine(0, 100) == 1);
    CHECK(cosine(50, 100) == doctest::Approx(0.5));
    CHECK(cosine(25, 100, 0.2) == doctest::Approx(0.2 + 0.8 * (1 + std::sqrt(0.5)) / 2));
    CHECK(cosine(100, 100) == 0);
    CHECK(cosine(1000, 100, 0.1) == doctest::Approx(0.1));
}

TEST_CASE("step_decay") {
    CHECK(step_decay(0, 3, 0.5) == 1);
    CHECK(step_decay(2, 3, 0.5) == 1);
    CHECK(step_decay(3, 3, 0.5) == 0.5);
    CHECK(step_decay(7, 3, 0.1) == doctest::Approx(0.01));
}

TEST_CASE("plateau: halves when the loss has not fallen for more than `patience` evaluations") {
    Plateau plateau({.factor = 0.5, .patience = 1, .least = 0.2});
    CHECK(plateau.update(3) == 1);
    CHECK(plateau.update(2) == 1);
    CHECK(plateau.update(2) == 1);  // not lower: waits
    CHECK(plateau.update(2.5) == 0.5);
    CHECK(plateau.update(1.9) == 0.5);
    CHECK(plateau.update(NAN) == 0.5);
    CHECK(plateau.update(NAN) == 0.25);
    CHECK(plateau.update(5) == 0.25);
    CHECK(plateau.update(5) == 0.2);
    Plateau resumed({.factor = 0.5, .patience = 1, .least = 0.2});
    resumed.scale = plateau.scale, resumed.best = plateau.best, resumed.waited = plateau.waited;
    for (double loss : {1.95, 1.0, 1.5, 1.6, 1.7}) CHECK(resumed.update(loss) == plateau.update(loss));
}

TEST_CASE("schedules: wrong use is told with the reader's line") {
    CHECK(contains(error_of([] { warm_up(-1, 5); }), "warm_up (test_schedule.cpp"));
    CHECK(contains(error_of([] { warm_up(-1, 5); }), "step is -1, expected 0 or more"));
    CHECK(contains(error_of([] { warm_up(0, -5); }), "warm_up_steps is -5"));
    CHECK(contains(error_of([] { linear_tail(0, 0); }), "steps is 0, expected 1 or more"));
    CHECK(contains(error_of([] { linear_tail(0, 5, {.constant = 1.5}); }), "constant is 1.5, expected 0 to 1"));
    CHECK(contains(error_of([] { cosine(0, 5, NAN); }), "last is nan"));
    CHECK(contains(error_of([] { step_decay(0, 0, 0.5); }), "every is 0"));
    CHECK(contains(error_of([] { Plateau({.factor = -1}); }), "factor is -1"));
}
