#include "core/ops/losses.hpp"

#include "tests/conformance/case.hpp"

namespace unroll::conformance {

void cross_entropy(Case& c) {
    const Var logits = c.input("logits");
    const Ids targets = c.ids("in.targets");
    const auto loss = [&](Reduction reduction) {
        const auto ignore_index = static_cast<int32_t>(c.whole("ignore_index", -100));
        return unroll::cross_entropy(logits, targets, {.ignore_index = ignore_index, .reduction = reduction});
    };
    if (c.has("out.loss_mean")) c.output("loss_mean", loss(Reduction::mean));
    if (c.has("out.loss_sum")) c.output("loss_sum", loss(Reduction::sum));
    c.backward();
}

}  // namespace unroll::conformance
