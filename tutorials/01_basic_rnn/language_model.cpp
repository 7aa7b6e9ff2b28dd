// A character language model that learns a novelist's six hundred thousand words.
#include "tutorials/01_basic_rnn/chapter.hpp"

namespace unroll {

void tell_language_model(Lesson& lesson, const lesson::LanguageModelLine& options) {
    lesson.section("A language model of characters", "RNN Language Model");
    lesson.equation(R"(P(w_1, \ldots, w_T) = \prod_{t=1}^{T} P(w_t \mid w_1, \ldots, w_{t-1}))",
                    "P(w_1 .. w_T) = Π_t P(w_t | w_1 .. w_{t-1})");
    lesson.equation(
        R"(\begin{gathered} x_t = E_{w_{t-1}}, \quad h_t = \tanh(W_{hh} h_{t-1} + W_{xh} x_t + b_h) \\ P(w_t \mid w_1, \ldots, w_{t-1}) = \mathrm{softmax}(W_{out} h_t + b_{out}) \end{gathered})",
        "x_t = E[w_{t-1}],  h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h),  P(w_t | ..) = softmax(W_out h_t + b_out)");
    lesson.text(
        "The network reads character by character and says, at each step, how probable each one is to come next. The "
        "book's $x_t = E_{w_t}$ would show it the very character that it is to predict: the input of step $t$ is the "
        "one before.");
    lesson::tell_language_model(lesson, options,
                                {.name = "austen_rnn",
                                 .model = {.cell = CellKind::rnn, .embedding_size = 64, .hidden_size = 256},
                                 .training = {.steps = 15000, .learning_rate = 2e-3}});
}

}  // namespace unroll
