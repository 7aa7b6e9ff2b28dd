// One matrix for two uses, and dropout on the way: gradients, each checked.
#include <fmt/format.h>

#include "tutorials/04_language_models/chapter.hpp"

namespace unroll {

void tell_tied(Lesson& lesson) {
    lesson.section("One matrix for two uses", "Word Embeddings");
    lesson.equation(R"(x_t = E_{w_{t-1}}, \qquad \text{scores}_t = E h_t + b_{out})",
                    "x_t = E[w_{t-1}],  scores_t = E h_t + b_out");
    lesson.text(
        "E has a row for each word as it is *read*, W_out one for each word as it is *predicted*. Both are to hold "
        "what "
        "is alike about words, so one matrix may serve for both: tied weights (Press and Wolf 2017). In a word model "
        "these "
        "two matrices are most of the parameters; tying halves them. The gradient is the sum of both uses, and nothing "
        "has to be done for "
        "it: a Parameter that enters the tape twice is one value with two users.");
    Generator gen(lesson.seed());
    const LanguageModelOptions options{.vocabulary = 6,
                                       .cell = CellKind::lstm,
                                       .embedding_size = 4,
                                       .hidden_size = 4,
                                       .num_layers = 2,
                                       .tied = true,
                                       .dropout = 0.3,
                                       .variational = true,
                                       .dtype = DType::f64};
    LanguageModel tied(options, gen);
    const Ids inputs({0, 3, 3, 5, 1, 3, 0, 2}, {{4, 'T'}, {2, 'B'}}),
        targets({3, 1, 5, 3, 3, 0, 2, 4}, {{4, 'T'}, {2, 'B'}});
    // The same numbers, with a W_out of its own.
    LanguageModel apart = tied;
    apart.embedding.E = Parameter("E", tied.embedding.E.value.clone());
    apart.out.W = Parameter("W", tied.embedding.E.value.clone());
    Tape one, two;
    const Var L = tied.loss(one, inputs, targets, {}).loss, same = apart.loss(two, inputs, targets, {}).loss;
    one.backward(L);
    two.backward(same);
    const Tensor read = two.grad(apart.embedding.E), predicted = two.grad(apart.out.W);
    const Tensor sum = read + predicted, dE = one.grad(tied.embedding.E), difference = dE - sum;
    lesson.show("dE by the words read", read);
    lesson.show("dE by the words predicted", predicted);
    lesson.show("dE", dE);
    lesson.text(
        "Word 4 is never read: its row of the first matrix is 0. It moves all the same, because at every step it might "
        "have been the next word. Untied, its input vector would not move at all.");
    double largest = 0;
    for (double x : difference.to_vector()) largest = std::max(largest, std::abs(x));
    lesson.check("the gradient is the sum of both", largest, 1e-14);
    const auto f = [&](Tape& tape) {
        Generator masks(7);  // the same masks at every call
        return std::vector<Var>{tied.loss(tape, inputs, targets, {}, &masks).loss};
    };
    lesson.text(
        "The whole model, two layers, with the same masks of dropout at all steps (chapter 08) on the words' vectors, "
        "between the layers and on what goes to the output:");
    lesson.gradcheck("An LSTM language model with tied weights and dropout", gradcheck(parameters(tied), f));
}

}  // namespace unroll
