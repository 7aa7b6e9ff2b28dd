// The character language model of chapter 01 with another cell.
#include "tutorials/02_lstm/chapter.hpp"

namespace unroll {

void tell_language_model(Lesson& lesson, const lesson::LanguageModelLine& options) {
    lesson.section("A language model of characters", "RNN Language Model");
    lesson.equation(
        R"(\begin{gathered} x_t = E_{w_{t-1}}, \quad h_t, C_t = \mathrm{LSTM}(h_{t-1}, C_{t-1}, x_t) \\ P(w_t \mid w_1, \ldots, w_{t-1}) = \mathrm{softmax}(W_{out} h_t + b_{out}) \end{gathered})",
        "x_t = E[w_{t-1}],  h_t, C_t = LSTM(h_{t-1}, C_{t-1}, x_t),  P(w_t | ..) = softmax(W_out h_t + b_out)");
    lesson.text(
        "The model of chapter 01 with an LSTM in the RNN's place, in the whole run with twice the units. From chunk to "
        "chunk two states "
        "are carried, as constants. The forget bias starts at 1.");
    lesson::tell_language_model(lesson, options,
                                {.name = "austen_lstm",
                                 .model = {.cell = CellKind::lstm, .embedding_size = 64, .hidden_size = 512},
                                 .training = {.steps = 2600, .learning_rate = 3e-3},
                                 .validations = 5});
}

}  // namespace unroll
