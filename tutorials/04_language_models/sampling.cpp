// Temperature, top-k and nucleus on six scores.
#include <fmt/format.h>

#include <cmath>

#include "tutorials/04_language_models/chapter.hpp"

namespace unroll {

void tell_sampling(Lesson& lesson) {
    lesson.section("Drawing a word", "RNN Language Model");
    lesson.text(
        "A model that predicts can write: draw a word, read it, draw the next. Drawn from the distribution as it is, "
        "every "
        "few words comes one from its long tail, and the text leaves the rails. Three cures, and their "
        "combinations:\n\n"
        "- the *temperature* divides the scores: below 1 the probable becomes more probable, at 0 the most probable is "
        "always taken;\n- *top-k* draws from the k most probable words only;\n- the *nucleus* from the fewest that "
        "have "
        "the probability p together: many words where the model is unsure, few where it is sure.");
    lesson.equation(R"(P_\tau(w) = \frac{e^{s_w / \tau}}{\sum_u e^{s_u / \tau}})",
                    "P_τ(w) = exp(s_w / τ) / Σ_u exp(s_u / τ)");
    const std::vector<double> p = {0.4, 0.25, 0.15, 0.1, 0.07, 0.03};
    Tensor scores = Tensor::empty({6}, DType::f64);
    for (int64_t i = 0; i < 6; i++) scores.set_flat(i, std::log(p[static_cast<size_t>(i)]));
    lesson::Table table{.caption = "What is drawn from", .header = {"", "a", "b", "c", "d", "e", "f"}};
    bool whole = true;
    for (const auto& [name, options] : {std::pair{"as it is", SampleOptions{}},
                                        {"temperature 2", {.temperature = 2}},
                                        {"temperature 0.5", {.temperature = 0.5}},
                                        {"temperature 0", {.temperature = 0}},
                                        {"top-k, 3", {.top_k = 3}},
                                        {"nucleus, 0.6", {.top_p = 0.6}},
                                        {"nucleus, 0.9", {.top_p = 0.9}},
                                        {"temperature 0.5, nucleus 0.9", {.temperature = 0.5, .top_p = 0.9}}}) {
        std::vector<lesson::Cell> row = {name};
        double total = 0;
        for (double x : sampling_distribution(scores, options)) {
            row.emplace_back(fmt::format("{:.3f}", x));
            total += x;
        }
        whole = whole && std::abs(total - 1) < 1e-12;
        table.rows.push_back(row);
    }
    lesson.table(table);
    lesson.check("each row adds up to 1", whole);
}

}  // namespace unroll
