// The noisy channel, CTC and prefix beam search on numbers that can be followed by hand.
#include "core/ops/ctc.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "core/gradcheck.hpp"
#include "core/ops/reductions.hpp"
#include "core/ops/shape.hpp"
#include "nn/prefix_beam.hpp"
#include "tutorials/09_applications/chapter.hpp"

namespace unroll {
namespace {

constexpr int64_t T = 4, C = 3;
const char* const names[] = {"-", "1", "2"};

Parameter scores_by_hand() {
    return {"x", Tensor::of({{0.5, 1.5, 0.1}, {0.8, 0.9, -0.5}, {0.9, 0.2, 0.3}, {0.2, 1.1, 0.6}}, DType::f64)};
}

std::string text_of(const std::vector<int32_t>& labels) {
    std::string text;
    for (const int32_t k : labels) text += names[k];
    return text.empty() ? "(nothing)" : text;
}

/// Equal neighbours merged, then blanks left out.
std::vector<int32_t> merged(const std::vector<int32_t>& path) {
    std::vector<int32_t> labels;
    for (size_t t = 0; t < path.size(); t++)
        if (path[t] != 0 && (t == 0 || path[t] != path[t - 1])) labels.push_back(path[t]);
    return labels;
}

/// f(path, P(path)) for each path of a class a step.
template <class F>
void each_path(const Tensor& y, F f) {
    std::vector<int32_t> path(static_cast<size_t>(y.dim(0)));
    while (true) {
        double p = 1;
        for (size_t t = 0; t < path.size(); t++) p *= y.at({int64_t(t), path[t]});
        f(path, p);
        size_t t = 0;
        while (t < path.size() && ++path[t] == C) path[t++] = 0;
        if (t == path.size()) return;
    }
}

/// α and β [T, S] over the places blank, label, blank, label, .., blank. β_t is what follows after step t.
struct Sums {
    Tensor alpha, beta;
};
Sums sums(const Tensor& y, const std::vector<int32_t>& places) {
    const auto S = int64_t(places.size());
    Sums z{Tensor::zeros({{T, 'T'}, {S, 'S'}}, DType::f64), Tensor::zeros({{T, 'T'}, {S, 'S'}}, DType::f64)};
    const auto may_skip = [&](int64_t s) {  // from place s - 2 to s
        return s >= 2 && places[size_t(s)] != 0 && places[size_t(s)] != places[size_t(s - 2)];
    };
    for (int64_t t = 0; t < T; t++)
        for (int64_t s = 0; s < S; s++) {
            double from = t == 0 ? double(s < 2) : z.alpha.at({t - 1, s});
            if (t > 0 && s >= 1) from += z.alpha.at({t - 1, s - 1});
            if (t > 0 && may_skip(s)) from += z.alpha.at({t - 1, s - 2});
            z.alpha.set({t, s}, from * y.at({t, places[size_t(s)]}));
        }
    for (int64_t t = T - 1; t >= 0; t--)
        for (int64_t s = 0; s < S; s++) {
            double sum = t == T - 1 ? double(s >= S - 2) : 0;
            for (int64_t to = s; t < T - 1 && to < std::min(S, s + 3); to++)
                if (to < s + 2 || may_skip(to)) sum += y.at({t + 1, places[size_t(to)]}) * z.beta.at({t + 1, to});
            z.beta.set({t, s}, sum);
        }
    return z;
}

void tell_channel(Lesson& lesson) {
    lesson.section("The noisy channel", "Speech Recognition");
    lesson.equation(R"(w^* = \arg\max_w P(w | a) = \arg\max_w P(a | w)\, P(w))");
    lesson.text(
        "Somebody says $w$; what arrives is the sound $a$. The acoustic model tells how well the sound fits the words, "
        "the language model how likely the words were before anything was heard. The more noise, the more the second "
        "decides.\n\n"
        "A network trained on sound and text gives $P(w | a)$, not $P(a | w)$. By Bayes' rule "
        "$P(a | w) = P(w | a)\\, P(a) / P_{train}(w)$: what it has learnt of the words themselves is *its* training's "
        "$P(w)$, and has to be divided out before another one is put in.");
    lesson::Table table{.caption =
                            "Two readings of a noisy *five*, heard after a *one*. In training all digits were "
                            "equally likely, P = 0.1; in this use nine seldom follows one",
                        .header = {"w", "P(w given a)", "divided by 0.1", "P(w given one)", "product"}};
    struct Reading {
        const char* name;
        double posterior, prior;
    };
    double best = 0;
    std::string chosen;
    for (const Reading& r : {Reading{"five", 0.40, 0.30}, {"nine", 0.55, 0.04}}) {
        const double product = r.posterior / 0.1 * r.prior;
        table.rows.push_back({r.name, r.posterior, r.posterior / 0.1, r.prior, product});
        if (product > best) best = product, chosen = r.name;
    }
    lesson.table(table);
    lesson.check(fmt::format("the sound alone says nine, the channel {}", chosen), chosen == "five");
}

void tell_ctc(Lesson& lesson) {
    lesson.section("CTC: every path that says so", "Speech Recognition");
    lesson.text(
        "A recording has many more steps than words, and nobody tells where each word lies. Connectionist temporal "
        "classification sums that question away: at each step the network gives a class, one of the labels or the "
        "blank (here `-`); a *path* says a text once equal neighbours are merged and blanks are left out. $P(w | a)$ "
        "is the sum over all paths that say $w$.");
    lesson.equation(R"(P(w | a) = \sum_{\pi \text{ says } w} \prod_{t=1}^{T} y_t[\pi_t], \qquad L = -\log P(w | a))");
    const Parameter x = scores_by_hand();
    const Tensor y = softmax(x.value);
    lesson.show("y = softmax(x), a row a step: -, 1, 2", y);
    const std::vector<int32_t> labels = {1, 1}, places = {0, 1, 0, 1, 0};
    double P = 0, total = 0;
    lesson::Table paths{.caption = "All paths of 4 steps that say `11`: the blank between them can't be left out",
                        .header = {"path", "probability"}};
    each_path(y, [&](const std::vector<int32_t>& path, double p) {
        total += p;
        if (merged(path) != labels) return;
        P += p;
        std::string shown;
        for (const int32_t k : path) shown += names[k];
        paths.rows.push_back({"`" + shown + "`", p});
    });
    paths.rows.push_back({"sum", P});
    lesson.table(paths);
    lesson.check("all 81 paths together have probability 1", total - 1, 1e-12);

    lesson.text(
        "There are $C^T$ paths, so they are added up as they meet. A path stands at one of the places blank, 1, blank, "
        "1, blank; it stays, goes on to the next, or from a label straight to the next label if that is another one "
        "(here it is not). $\\alpha_t(s)$ is the probability of all beginnings that stand at $s$ after step $t$, "
        "$\\beta_t(s)$ of all that may follow.");
    lesson.equation(
        R"(\alpha_t(s) = y_t[l_s] \left( \alpha_{t-1}(s) + \alpha_{t-1}(s-1) + [l_s \neq -,\, l_s \neq l_{s-2}]\, \alpha_{t-1}(s-2) \right))");
    lesson.equation(
        R"(\beta_t(s) = y_{t+1}[l_s] \beta_{t+1}(s) + y_{t+1}[l_{s+1}] \beta_{t+1}(s+1) + [\ldots]\, y_{t+1}[l_{s+2}] \beta_{t+1}(s+2))");
    const Sums z = sums(y, places);
    lesson.show("alpha [T, S]", z.alpha);
    lesson.show("beta [T, S]", z.beta);
    lesson.check("the last α at the last label and the blank behind it add up to the paths' sum",
                 z.alpha.at({T - 1, 3}) + z.alpha.at({T - 1, 4}) - P, 1e-12);
    double worst = 0;
    for (int64_t t = 0; t < T; t++) {
        double sum = 0;
        for (int64_t s = 0; s < 5; s++) sum += z.alpha.at({t, s}) * z.beta.at({t, s});
        worst = std::max(worst, std::abs(sum - P));
    }
    lesson.check("$\\sum_s \\alpha_t(s) \\beta_t(s)$ is the same P at every step", worst, 1e-12);

    const CtcTargets targets{Ids({1, 1}, {1, 2}), Ids({int32_t(T)}), Ids({2})};
    Tape tape;
    const Var loss = sum(ctc_losses(reshape(tape.watch(x), {T, 1, C}), targets));
    lesson.check("`ctc_losses` is -log of it", loss.item() + std::log(P), 1e-12);
    lesson.text(
        "The gradient says what softmax and cross-entropy always say, what was predicted minus what was right; only "
        "that what is right is itself a distribution, $\\gamma_t(s) = \\alpha_t(s) \\beta_t(s) / P$: where the paths "
        "that say $w$ stand at step $t$.");
    lesson.equation(R"(\frac{\partial L}{\partial x_t[k]} = y_t[k] - \sum_{s:\, l_s = k} \gamma_t(s))");
    Tensor by_hand = y.clone();
    for (int64_t t = 0; t < T; t++)
        for (int64_t s = 0; s < 5; s++) {
            const int64_t k = places[size_t(s)];
            by_hand.set({t, k}, by_hand.at({t, k}) - z.alpha.at({t, s}) * z.beta.at({t, s}) / P);
        }
    lesson.backward("CTC backward", tape, loss);
    const Tensor by_tape = tape.grad(x);
    lesson.show("dL/dx", by_tape);
    worst = 0;
    for (int64_t i = 0; i < by_hand.size(); i++) worst = std::max(worst, std::abs(by_hand.flat(i) - by_tape.flat(i)));
    lesson.check("by hand and by the tape they agree", worst, 1e-12);
    lesson.gradcheck("Gradient check of CTC", gradcheck({x}, [&](Tape& t) {
                         return std::vector<Var>{ctc_losses(reshape(t.watch(x), {T, 1, C}), targets)};
                     }));
}

void tell_prefix_beam(Lesson& lesson) {
    lesson.section("Prefix beam search", "Beam Search");
    lesson.text(
        "Which text is the likeliest? Not the one of the likeliest path: a text collects from all its paths. The "
        "search "
        "keeps prefixes, each with two numbers: $p_b$ of its paths that end in a blank, $p_l$ of those that end in its "
        "last label. Both are needed: the last label once more is the same text after $p_l$, and a longer one after "
        "$p_b$. A language model speaks where a label is added.");
    const Tensor y = softmax(scores_by_hand().value);
    struct Ends {
        double blank = 0, label = 0;
        double both() const { return blank + label; }
    };
    std::map<std::vector<int32_t>, Ends> beam = {{{}, {.blank = 1}}};
    lesson::Table table{
        .caption = "All prefixes of up to two labels above 0.02, step by step, without a language model",
        .header = {"step", "prefix", "p_b", "p_l", "sum"}};
    for (int64_t t = 0; t < T; t++) {
        std::map<std::vector<int32_t>, Ends> next;
        for (const auto& [prefix, ends] : beam) {
            const int32_t last = prefix.empty() ? -1 : prefix.back();
            next[prefix].blank += ends.both() * y.at({t, 0});
            if (last > 0) next[prefix].label += ends.label * y.at({t, last});
            for (int32_t k = 1; k < C; k++) {
                auto longer = prefix;
                longer.push_back(k);
                next[longer].label += (k == last ? ends.blank : ends.both()) * y.at({t, k});
            }
        }
        beam = next;
        for (const auto& [prefix, ends] : beam)
            if (ends.both() > 0.02 && prefix.size() <= 2)
                table.rows.push_back({t + 1, "`" + text_of(prefix) + "`", ends.blank, ends.label, ends.both()});
    }
    lesson.table(table);
    std::map<std::vector<int32_t>, double> exhausted;
    each_path(y, [&](const std::vector<int32_t>& path, double p) { exhausted[merged(path)] += p; });
    double worst = 0;
    for (const auto& [labels, p] : exhausted) worst = std::max(worst, std::abs(beam[labels].both() - p));
    lesson.check("with a beam wide enough for all, each text has the sum of its paths", worst, 1e-12);
    const Tensor log_y = log_softmax(scores_by_hand().value);
    const auto found = prefix_beam(log_y, {.width = 1000});
    const auto path_text = best_path(log_y);
    lesson.check(fmt::format("the likeliest path says `{}`, the likeliest text is `{}`", text_of(path_text),
                             text_of(found[0].labels)),
                 path_text != found[0].labels);
    worst = 0;
    for (const Labelling& l : found) worst = std::max(worst, std::abs(std::exp(l.log_prob) - exhausted[l.labels]));
    lesson.check("`prefix_beam`, which adds logarithms, finds the same", worst, 1e-12);
    const LabelModel repeating = [](const std::vector<int32_t>& before, int32_t next) {
        return std::log(before.empty() ? 0.5 : before.back() == next ? 0.9 : 0.1);
    };
    const auto other = prefix_beam(
        log_y, {.width = 1000, .log_prior = std::vector<double>(3, std::log(0.5)), .language_model = repeating});
    lesson::Table readings{.caption =
                               "The best three without a language model, and with one in which a label mostly "
                               "follows itself (0.9 to 0.1), the training's prior of 0.5 a label divided out",
                           .header = {"text", "P(w given a)", "text, with P(w)", "score"}};
    for (size_t i = 0; i < 3; i++)
        readings.rows.push_back({"`" + text_of(found[i].labels) + "`", std::exp(found[i].log_prob),
                                 "`" + text_of(other[i].labels) + "`", other[i].score});
    lesson.table(readings);
    lesson.check("P(w) changes what is heard", found[0].labels != other[0].labels);
}

}  // namespace

void tell_recognition_by_hand(Lesson& lesson) {
    tell_channel(lesson);
    tell_ctc(lesson);
    tell_prefix_beam(lesson);
}

}  // namespace unroll
