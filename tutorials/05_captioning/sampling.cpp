// What a decoder is fed in training: teacher forcing, scheduled sampling and its decays.
#include <fmt/format.h>

#include "models/captioner_trainer.hpp"
#include "tutorials/05_captioning/chapter.hpp"

namespace unroll {

void tell_sampling(Lesson& lesson) {
    lesson.section("Who holds the pen in training?", "Teacher Forcing, Scheduled Sampling");
    lesson.text(
        "*Teacher forcing* feeds the true word before, whatever the decoder would have written: all inputs are known, "
        "which is fast. But when it writes on its own it goes on from its own words, mistakes among them, which "
        "it has never seen. *Scheduled sampling* mixes both:");
    lesson.equation(
        R"(w_{t-1}^{input} = \begin{cases} w_{t-1}^* & \text{with probability } \varepsilon \\ \hat w_{t-1} & \text{with probability } 1 - \varepsilon \end{cases})",
        "input w_{t-1} = w*_{t-1} with probability ε, ŵ_{t-1} with probability 1 - ε");
    lesson.text(
        "(The book's $p$ is the paper's $\\varepsilon$, and its $t$ is put right: both words are those *before* the "
        "one to be predicted.) $\\hat "
        "w$ is here the decoder's most probable word after what it was really fed; it is chosen, so no gradient flows "
        "through it. Each word has its own coin. Early on the decoder's words are noise, so $\\varepsilon$ begins near "
        "1 and falls with the step $i$ of training:");
    lesson.equation(
        R"(\text{linear: } \max(\varepsilon_{min}, k - c\,i) \qquad \text{exponential: } k^i \qquad \text{inverse sigmoid: } \frac{k}{k + e^{i/k}})",
        "linear: max(least, k - c i)    exponential: k^i    inverse sigmoid: k / (k + e^(i / k))");
    lesson::Plot plot{.title = "Three ways to let go", .x = "step of training", .y = "probability of the true word"};
    for (const auto& [name, s] :
         {std::pair{"linear", ScheduledSampling{ScheduledSampling::linear, 1, 1.0 / 1200, 0.25}},
          {"exponential", ScheduledSampling{ScheduledSampling::exponential, 0.998}},
          {"inverse sigmoid", ScheduledSampling{ScheduledSampling::inverse_sigmoid, 100}}}) {
        lesson::Series line{.name = name};
        for (int i = 0; i <= 1000; i += 10) line.x.push_back(i), line.y.push_back(s.epsilon(i));
        plot.series.push_back(line);
    }
    lesson.plot(plot);
    Generator gen(lesson.seed());
    const CaptionNetwork n({.vocabulary = 9,
                            .picture_size = 8,
                            .channels = 2,
                            .features = 4,
                            .embedding_size = 4,
                            .hidden_size = 5,
                            .attention_size = 3},
                           gen);
    Tape tape;
    Tensor pictures = Tensor::empty({4, 3, 8, 8});
    gen.fill_normal(pictures, 0, 1);
    const auto x = n.encode(tape, pictures);
    const Ids before({1, 1, 1, 1, 4, 5, 6, 7, 8, 4, 5, 6, 7, 8, 4, 5}, {4, 4});
    lesson.text("Four captions side by side, untrained, as they are fed (`T` steps down, `B` captions across):");
    lesson.show("true", before);
    for (double epsilon : {0.5, 0.0})
        lesson.show(fmt::format("ε = {}", epsilon), scheduled_inputs(n, x, before, epsilon, gen));
    const Ids forced = scheduled_inputs(n, x, before, 1, gen);
    lesson.check("at ε = 1 it is teacher forcing", std::equal(forced.data(), forced.data() + 16, before.data()));
    lesson.text(
        "It is not free: which word is fed depends on the step before, so the decoder runs once more, without "
        "gradients, before each step of training. Nor is it clean: as $\\varepsilon$ falls, the decoder is asked for "
        "the third word of the *true* caption after two words of its own, which may have to be another one (Huszár "
        "2015). Whether it helps is measured below.");
}

}  // namespace unroll
