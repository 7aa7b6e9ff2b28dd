// Gradient clipping and optimisers.
#include <memory>

#include "nn/clip.hpp"
#include "nn/optim.hpp"
#include "tests/conformance/case.hpp"

namespace unroll::conformance {

void clip_grad_norm(Case& c) {
    std::vector<Tensor> gradients;
    for (int i = 0; c.has("in.grad" + std::to_string(i)); i++)
        gradients.push_back(c.tensor("in.grad" + std::to_string(i)));
    const double norm = unroll::clip_grad_norm(gradients, c.number("max_norm"));
    for (size_t i = 0; i < gradients.size(); i++) c.give("out.grad" + std::to_string(i), gradients[i]);
    c.give("out.norm", Tensor::full({}, norm, c.dtype));
}

static std::unique_ptr<Optimizer> make_optimizer(const Case& c, const std::vector<Parameter>& p) {
    const auto number = [&](const char* setting, double otherwise) { return c.number(setting, otherwise); };
    const auto truth = [&](const char* setting) { return c.truth(setting, false); };
    const auto betas = c.tuple("betas", {0.9, 0.999});
    const std::string name = c.word("name");
    if (name == "sgd")
        return std::make_unique<Sgd>(p, SgdOptions{.lr = c.number("lr"),
                                                   .momentum = number("momentum", 0),
                                                   .dampening = number("dampening", 0),
                                                   .weight_decay = number("weight_decay", 0),
                                                   .nesterov = truth("nesterov"),
                                                   .maximize = truth("maximize")});
    if (name == "adam")
        return std::make_unique<Adam>(p, AdamOptions{.lr = number("lr", 1e-3),
                                                     .betas = {betas[0], betas[1]},
                                                     .eps = number("eps", 1e-8),
                                                     .weight_decay = number("weight_decay", 0),
                                                     .amsgrad = truth("amsgrad"),
                                                     .maximize = truth("maximize")});
    if (name == "adamw")
        return std::make_unique<AdamW>(p, AdamWOptions{.lr = number("lr", 1e-3),
                                                       .betas = {betas[0], betas[1]},
                                                       .eps = number("eps", 1e-8),
                                                       .weight_decay = number("weight_decay", 1e-2),
                                                       .amsgrad = truth("amsgrad"),
                                                       .maximize = truth("maximize")});
    if (name == "rmsprop")
        return std::make_unique<RmsProp>(p, RmsPropOptions{.lr = number("lr", 1e-2),
                                                           .alpha = number("alpha", 0.99),
                                                           .eps = number("eps", 1e-8),
                                                           .weight_decay = number("weight_decay", 0),
                                                           .momentum = number("momentum", 0),
                                                           .centered = truth("centered"),
                                                           .maximize = truth("maximize")});
    if (name == "adagrad")
        return std::make_unique<Adagrad>(
            p, AdagradOptions{.lr = number("lr", 1e-2),
                              .lr_decay = number("lr_decay", 0),
                              .weight_decay = number("weight_decay", 0),
                              .initial_accumulator_value = number("initial_accumulator_value", 0),
                              .eps = number("eps", 1e-10),
                              .maximize = truth("maximize")});
    throw Error("the optimizer " + name + " is not known");
}

void optimizer(Case& c) {
    const Parameter p("p", c.tensor("in.p"));
    const auto optimizer = make_optimizer(c, {p});
    for (int64_t t = 0; t < c.whole("steps", 1); t++) {
        optimizer->step({c.tensor("in.grad" + std::to_string(t))});
        c.give("out.p" + std::to_string(t), p.value);
    }
}

}  // namespace unroll::conformance
