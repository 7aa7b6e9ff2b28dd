#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "core/random.hpp"
#include "nn/decode.hpp"
#include "tests/failure.hpp"
#include "tests/pooled.hpp"

using namespace unroll;

namespace {

using Words = std::vector<int32_t>;

/// A model without a structure to lean on: the scores are random, others for every sentence and every history. Its
/// state, the history itself, follows the parents; so a state that does not shows at once.
struct Oracle {
    int64_t V;
    uint64_t seed;
    double end_bonus = 0;
    DType dtype = DType::f64;
    std::vector<Words> state = {};  // sentence, then the words so far
    int64_t calls = 0;

    std::vector<double> scores(const Words& history) const {
        uint64_t stream = 1469598103934665603ull;
        for (int32_t w : history) stream = (stream ^ static_cast<uint64_t>(w + 1)) * 1099511628211ull;
        Generator gen(seed, stream);
        std::vector<double> x;
        for (int64_t v = 0; v < V; v++) x.push_back(2 * gen.normal() + (v == 1 ? end_bonus : 0));
        return x;
    }
    DecoderStep step() {
        state.clear();
        calls = 0;
        return [this](const Ids& words, const Ids& parents) {
            std::vector<Words> next;
            std::vector<double> all;
            for (int64_t n = 0; n < words.size(); n++) {
                Words h = calls == 0 ? Words{parents[n]} : state[static_cast<size_t>(parents[n])];
                h.push_back(words[n]);
                const auto x = scores(h);
                all.insert(all.end(), x.begin(), x.end());
                next.push_back(h);
            }
            state = next;
            calls++;
            return Tensor::from(all, {words.size(), V}, dtype);
        };
    }
    double log_prob(const Words& history, int32_t word) const {
        const auto x = scores(history);
        double sum = 0;
        for (double v : x) sum += std::exp(v);
        return x[static_cast<size_t>(word)] - std::log(sum);
    }
};

double penalty(const DecodeOptions& o, double n) {
    return std::pow(o.penalty == LengthPenalty::gnmt ? (5 + n) / 6 : n, o.exponent);
}

struct Best {
    double score = -INFINITY;
    Words words;
};

/// Every output there is, the best by score.
Best exhaustive(const Oracle& model, int32_t sentence, const DecodeOptions& o) {
    Best best;
    const std::function<void(Words&, double)> visit = [&](Words& h, double log_prob) {
        for (int32_t v = 0; v < model.V; v++) {
            if (std::find(o.never.begin(), o.never.end(), v) != o.never.end()) continue;
            const double p = log_prob + model.log_prob(h, v);
            const auto length = static_cast<int64_t>(h.size()) - 1;  // with v; h has the sentence and the start
            if (v == o.end || length == o.max_length) {
                const double score = p / penalty(o, static_cast<double>(length));
                if (score > best.score) {
                    best = {score, Words(h.begin() + 2, h.end())};
                    if (v != o.end) best.words.push_back(v);
                }
            } else {
                h.push_back(v);
                visit(h, p);
                h.pop_back();
            }
        }
    };
    Words h = {sentence, o.start};
    visit(h, 0);
    return best;
}

const DecodeOptions small{.start = 0, .end = 1, .max_length = 4, .beam_width = 1};

}  // namespace

TEST_CASE("beam search: V^T wide it finds the argmax of all outputs") {
    for (uint64_t seed : {1, 2, 3, 4, 5})
        for (const auto& sizes : {std::pair<int64_t, int64_t>{3, 5}, {4, 4}, {2, 7}, {5, 1}, {1, 3}})
            for (LengthPenalty kind : {LengthPenalty::plain, LengthPenalty::gnmt})
                for (double exponent : {0.0, 0.6, 1.0, 3.0}) {
                    const int64_t V = sizes.first, T = sizes.second;
                    if (V == 1 && exponent > 0) continue;
                    CAPTURE(seed);
                    CAPTURE(V);
                    CAPTURE(exponent);
                    DecodeOptions o{.start = 0, .end = V == 1 ? 0 : 1, .max_length = T, .exponent = exponent};
                    o.penalty = kind;
                    o.beam_width = static_cast<int64_t>(std::llround(std::pow(V, T)));
                    if (V == 4) o.never = {2};
                    Oracle model{V, seed, seed == 4 ? -3.0 : 0.0};
                    const auto found = beam_search(model.step(), 3, o);
                    REQUIRE(found.size() == 3);
                    for (int32_t b = 0; b < 3; b++) {
                        const Best best = exhaustive(model, b, o);
                        const Hypothesis& h = found[static_cast<size_t>(b)].best[0];
                        CHECK(h.words == best.words);
                        CHECK(h.score == doctest::Approx(best.score).epsilon(1e-12));
                    }
                }
}

TEST_CASE("beam search: one wide it is greedy search, and both tell the model's probabilities") {
    for (DType dtype : {DType::f32, DType::f64})
        for (uint64_t seed = 1; seed < 30; seed++) {
            Oracle model{6, seed, 1.0, dtype};
            DecodeOptions o = small;
            o.max_length = 9;
            o.never = {3};
            const auto beams = beam_search(model.step(), 7, o);
            const auto greedy = greedy_search(model.step(), 7, o);
            for (size_t b = 0; b < 7; b++) {
                const Hypothesis &h = beams[b].best.at(0), &g = greedy[b];
                CHECK(h.words == g.words);
                CHECK(h.ended == g.ended);
                CHECK(h.log_prob == doctest::Approx(g.log_prob).epsilon(1e-12));
                CHECK(h.score == doctest::Approx(g.score).epsilon(1e-12));
                Words history = {static_cast<int32_t>(b), o.start};
                Words all = g.words;
                if (g.ended) all.push_back(o.end);
                REQUIRE(all.size() == g.log_probs.size());
                CHECK((g.ended || all.size() == 9));
                for (size_t i = 0; i < all.size(); i++) {
                    CHECK(all[i] != 3);
                    CHECK(g.log_probs[i] == doctest::Approx(model.log_prob(history, all[i])).epsilon(1e-5));
                    CHECK(h.log_probs[i] == doctest::Approx(g.log_probs[i]).epsilon(1e-6));
                    history.push_back(all[i]);
                }
            }
        }
}

TEST_CASE("beam search: sentences side by side are found as alone, and n-best are in order and different") {
    DecodeOptions o{.start = 0, .end = 1, .max_length = 8, .beam_width = 5, .exponent = 0.7, .n_best = 4};
    Oracle model{7, 11, 0.5};
    const auto together = beam_search(model.step(), 6, o);
    for (int32_t b = 0; b < 6; b++) {
        Oracle alone = model;
        DecoderStep inner = alone.step();
        const auto single = beam_search(
            [&](const Ids& words, const Ids& parents) {
                if (alone.calls > 0) return inner(words, parents);
                return inner(words, Ids({b}));
            },
            1, o);
        const auto &x = together[static_cast<size_t>(b)].best, &y = single[0].best;
        REQUIRE(x.size() == 4);
        REQUIRE(y.size() == 4);
        for (size_t i = 0; i < 4; i++) {
            CHECK(x[i].words == y[i].words);
            CHECK(x[i].score == y[i].score);
            if (i > 0) CHECK(x[i].score <= x[i - 1].score);
            for (size_t j = 0; j < i; j++) CHECK((x[i].words != x[j].words || x[i].ended != x[j].ended));
        }
    }
}

TEST_CASE("beam search: what has ended is never taken on, and the tree holds what was in the beam") {
    for (uint64_t seed = 1; seed < 20; seed++) {
        Oracle model{5, seed, 1.5};
        const DecodeOptions o{.start = 0, .end = 1, .max_length = 6, .beam_width = 3, .n_best = 3};
        for (const Decoded& d : beam_search(model.step(), 4, o)) {
            std::vector<int> live(8, 0), ended(8, 0);
            for (const BeamNode& n : d.tree) {
                const bool first = n.step == 0;
                CHECK(first == (n.parent < 0));
                if (!first) {
                    const BeamNode& parent = d.tree[static_cast<size_t>(n.parent)];
                    CHECK(parent.step == n.step - 1);
                    CHECK(parent.word != o.end);
                    CHECK(n.log_prob <= parent.log_prob);
                }
                (n.word == o.end ? ended : live)[static_cast<size_t>(n.step)]++;
            }
            int over = 0;  // those that have ended keep their places
            for (size_t t = 0; t < 6; t++) {
                over += ended[t];
                CHECK(live[t] + over <= 3);
            }
            for (const Hypothesis& h : d.best) {
                CHECK(d.tree[static_cast<size_t>(h.node)].log_prob == h.log_prob);
                CHECK(h.ended == (d.tree[static_cast<size_t>(h.node)].word == o.end));
                CHECK(std::count(h.words.begin(), h.words.end(), o.end) == 0);
                CHECK((h.ended || h.words.size() == 6));
            }
        }
    }
}

TEST_CASE("beam search: the length exponent decides between short and long, ended and not") {
    // The end has 0.4 at once; else 'a' follows with 0.6, and then always with certainty.
    const DecoderStep step = [](const Ids& words, const Ids&) {
        Tensor x = Tensor::full({words.size(), 3}, -INFINITY, DType::f64);
        for (int64_t n = 0; n < words.size(); n++) {
            x.set({n, 2}, words[n] == 0 ? std::log(0.6) : 0);
            if (words[n] == 0) x.set({n, 1}, std::log(0.4));
        }
        return x;
    };
    DecodeOptions o{.start = 0, .end = 1, .max_length = 5, .beam_width = 2, .exponent = 0};
    const Hypothesis likely = beam_search(step, 1, o)[0].best[0];
    CHECK(likely.words == Words(5, 2));  // at the limit, not ended: log 0.6 > log 0.4
    CHECK_FALSE(likely.ended);
    CHECK(likely.log_prob == doctest::Approx(std::log(0.6)));
    const DecoderStep shorter = [&](const Ids& words, const Ids& parents) {
        Tensor x = step(words, parents);
        for (int64_t n = 0; n < words.size(); n++)
            if (words[n] == 0) x.set({n, 1}, std::log(0.9)), x.set({n, 2}, std::log(0.1));
        return x;
    };
    CHECK(beam_search(shorter, 1, o)[0].best[0].words.empty());  // log 0.9 against log 0.1
    CHECK(beam_search(shorter, 1, o)[0].best[0].ended);
    o.exponent = 2;  // log 0.1 / 25 > log 0.9 / 1
    CHECK(beam_search(shorter, 1, o)[0].best[0].words == Words(5, 2));
    o.penalty = LengthPenalty::gnmt, o.exponent = 1;
    CHECK(beam_search(shorter, 1, o)[0].best[0].words.empty());
    CHECK(beam_search(shorter, 1, o)[0].best[0].score == doctest::Approx(std::log(0.9)));
    o.max_length = 1;
    CHECK(beam_search(shorter, 1, o)[0].best[0].words.empty());
    o.n_best = 2;
    CHECK(beam_search(shorter, 1, o)[0].best.size() == 2);
}

TEST_CASE("beam search: it stops where nothing can become better") {
    int calls = 0;
    const DecoderStep step = [&](const Ids& words, const Ids&) {  // the end at first with 0.9, later hardly ever
        Tensor x = Tensor::zeros({words.size(), 10}, DType::f64);
        for (int64_t n = 0; n < words.size(); n++) x.set({n, 1}, calls == 0 ? std::log(81.0) : -50);
        calls++;
        return x;
    };
    DecodeOptions o{.start = 0, .end = 1, .max_length = 60, .beam_width = 3, .exponent = 0};
    CHECK(beam_search(step, 1, o)[0].best[0].words.empty());
    CHECK(calls == 1);  // what goes on has less than 0.1
    o.exponent = 1, calls = 0;
    CHECK(beam_search(step, 1, o)[0].best[0].words.empty());
    CHECK(calls == 2);  // log 0.9 = -0.105: a word of 1/90, -4.5, might still become -4.5/60; two, -6.7, can't
    Oracle model{4, 3};
    CHECK(beam_search(model.step(), 0, o).empty());
    CHECK(greedy_search(model.step(), 0, o).empty());
}

TEST_CASE("decoding: a wider beam than there are outputs, and wrong use") {
    Oracle model{3, 1};
    DecodeOptions o = small;
    o.beam_width = 1000;
    CHECK(beam_search(model.step(), 1, o)[0].best[0].words == exhaustive(model, 0, o).words);
    DecodeOptions endless = small;  // for a limit that is none, nothing is set aside
    endless.max_length = 1'000'000'000'000;
    const DecoderStep always_end = [](const Ids& words, const Ids&) {
        Tensor x = Tensor::full({words.size(), 3}, -1);
        for (int64_t i = 0; i < words.size(); i++) x.set({i, small.end}, 1);
        return x;
    };
    CHECK(greedy_search(always_end, 1, endless)[0].words.size() ==
          beam_search(always_end, 1, endless)[0].best[0].words.size());
    const auto with = [&](auto change) {
        DecodeOptions wrong = small;
        change(wrong);
        const std::string message = failure([&] { beam_search(model.step(), 1, wrong); });
        const std::string same = failure([&] { greedy_search(model.step(), 1, wrong); });
        CHECK(message.substr(message.find("): ")) == same.substr(same.find("): ")));
        return message.substr(message.find("): ") + 3);
    };
    CHECK(with([](auto& x) { x.beam_width = 0; }) ==
          "max_length 4, beam_width 0, n_best 1: expected 1 or more, and n_best at most beam_width");
    CHECK(with([](auto& x) { x.max_length = 0; }) ==
          "max_length 0, beam_width 1, n_best 1: expected 1 or more, and n_best at most beam_width");
    CHECK(with([](auto& x) { x.n_best = 2; }) ==
          "max_length 4, beam_width 1, n_best 2: expected 1 or more, and n_best at most beam_width");
    CHECK(with([](auto& x) { x.exponent = -1; }) == "exponent -1: expected 0 or more");
    CHECK(with([](auto& x) { x.end = 3; }) ==
          "the step gave scores [1, 3], expected [N=1, V] with the end, 3, among the V words");
    CHECK(with([](auto& x) {
              x.never = {0, 1, 2};
          }) == "no word can follow: all that have a probability are never to be produced");
    const DecoderStep bad = [](const Ids& words, const Ids&) { return Tensor::full({words.size(), 3}, NAN); };
    for (const std::string& message :
         {failure([&] { beam_search(bad, 1, small); }), failure([&] { greedy_search(bad, 1, small); })})
        CHECK(message.substr(message.find("): ") + 3) ==
              "the step gave scores that are NaN, infinite, or -inf throughout");
}

TEST_CASE("greedy search: a step takes nothing from the heap") {
    const DecoderStep step = [](const Ids& words, const Ids&) {
        Tensor x = Tensor::zeros({words.size(), 20});
        for (int64_t n = 0; n < words.size(); n++) x.set({n, 2 + (words[n] + n) % 18}, 1);
        return x;
    };
    const auto allocations = [&](int64_t length) {
        const int64_t before = memory_stats().heap_allocations;
        greedy_search(step, 4, {.start = 0, .end = 1, .max_length = length});
        return memory_stats().heap_allocations - before;
    };
    allocations(100);
    if (pooled()) CHECK(allocations(100) == 0);
}
