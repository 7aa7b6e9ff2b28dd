#include <cmath>

#include "nn/schedule.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

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

TEST_CASE("linear_tail: wrong use is told with the reader's line") {
    CHECK(contains(error_of([] { linear_tail(0, 0); }), "linear_tail (test_schedule.cpp"));
    CHECK(contains(error_of([] { linear_tail(-1, 5); }), "step -1 of 5: expected 0 or more"));
    CHECK(contains(error_of([] { linear_tail(0, 5, {.constant = 1.5}); }), "a share is 1.5, expected 0 to 1"));
    CHECK(contains(error_of([] { linear_tail(0, 5, {.last = NAN}); }), "a share is nan"));
}

TEST_CASE("warm_cosine: up over the first steps, then half a cosine down to 0") {
    CHECK(warm_cosine(0, 100, 3) == doctest::Approx(0.25));
    CHECK(warm_cosine(2, 100, 3) == doctest::Approx(0.75));
    CHECK(warm_cosine(3, 103, 3) == 1);
    CHECK(warm_cosine(53, 103, 3) == doctest::Approx(0.5));
    CHECK(warm_cosine(102, 103, 3) < 1e-3);
    CHECK(warm_cosine(102, 103, 3) > 0);
    CHECK(warm_cosine(0, 1, 0) == 1);
    CHECK(warm_cosine(4, 5, 50) == doctest::Approx(5.0 / 51));
    for (int64_t step = 4; step < 100; step++) CHECK(warm_cosine(step, 100, 3) < warm_cosine(step - 1, 100, 3));
    CHECK(contains(error_of([] { warm_cosine(5, 5, 1); }), "step 5 of 5, warm-up 1"));
    CHECK(contains(error_of([] { warm_cosine(0, 5, -1); }), "warm-up -1"));
}

TEST_CASE("scheduled sampling: the three decays by their formulas") {
    for (int64_t step : {0, 3, 1000}) CHECK(ScheduledSampling().epsilon(step) == 1);  // teacher forcing
    const ScheduledSampling linear{ScheduledSampling::linear, 0.9, 0.01, 0.25},
        exponential{ScheduledSampling::exponential, 0.99}, sigmoid{ScheduledSampling::inverse_sigmoid, 20};
    CHECK(linear.epsilon(0) == 0.9);
    CHECK(linear.epsilon(30) == doctest::Approx(0.6));
    CHECK(linear.epsilon(65) == doctest::Approx(0.25));
    CHECK(linear.epsilon(1000) == 0.25);
    CHECK(exponential.epsilon(0) == 1);
    CHECK(exponential.epsilon(2) == doctest::Approx(0.9801));
    CHECK(sigmoid.epsilon(0) == doctest::Approx(20.0 / 21));
    CHECK(sigmoid.epsilon(60) == doctest::Approx(20 / (20 + std::exp(3.0))));
    CHECK(sigmoid.epsilon(1000000) == 0);  // e^50000 is infinite
    for (const ScheduledSampling& s : {linear, exponential, sigmoid})
        for (int64_t i = 0; i < 300; i++) CHECK(s.epsilon(i + 1) <= s.epsilon(i));
    CHECK(contains(error_of([] {
                       ScheduledSampling{ScheduledSampling::linear, 1.5}.epsilon(0);
                   }),
                   "max(0, 1.5 - 0 i) makes no probability of step 0"));
    CHECK(contains(error_of([] { ScheduledSampling{ScheduledSampling::exponential, 1}.epsilon(0); }), "1^i makes no"));
    CHECK(contains(error_of([] { ScheduledSampling{ScheduledSampling::inverse_sigmoid, 0.5}.epsilon(0); }), "0.5 / "));
    CHECK(contains(error_of([&] { linear.epsilon(-1); }), "of step -1"));
}
