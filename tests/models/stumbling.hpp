#pragma once
#include <doctest/doctest.h>

#include <cmath>

#include "tests/temporary_folder.hpp"

namespace unroll {

/// Trains until `steps` are done. At step 10 the bias is NaN for two tries, which must fail, and then itself again.
template <class Trainer>
void train_stumbling(Trainer& trainer, Tensor bias, int64_t steps) {
    while (trainer.steps_done() < steps) {
        if (trainer.steps_done() == 10) {
            const double right = bias.flat(0);
            bias.set_flat(0, NAN);
            for (int i = 0; i < 2; i++) CHECK(contains(error_of([&] { trainer.step(); }), "nan"));
            bias.set_flat(0, right);
        }
        trainer.step();
    }
}

}  // namespace unroll
