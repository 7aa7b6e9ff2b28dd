#include "core/ops/ctc.hpp"
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

void ctc(Case& c) {
    const CtcTargets targets{c.ids("in.targets"), c.ids("in.input_lengths"), c.ids("in.target_lengths")};
    const CtcOptions options{.blank = static_cast<int32_t>(c.whole("blank", 0)),
                             .zero_infinity = c.truth("zero_infinity", false)};
    c.output("loss", ctc_losses(c.input("logits"), targets, options));
    c.backward();
}

}  // namespace unroll::conformance
