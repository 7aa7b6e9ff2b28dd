#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/gradcheck.hpp"
#include "core/ops/losses.hpp"
#include "core/ops/pooling.hpp"
#include "core/ops/reductions.hpp"
#include "models/captioner.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"
#include "tests/models/small_captioner.hpp"
#include "tests/pooled.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

Tensor noise(const Shape& shape, uint64_t seed, DType dtype = DType::f64) {
    Generator gen(seed);
    Tensor x = Tensor::empty(shape, dtype);
    gen.fill_normal(x, 0, 1);
    return x;
}

/// A square of one colour on white, and what is said of it.
struct Drawn {
    std::vector<Picture> pictures;
    std::vector<CaptionedPicture> list;
};
Drawn squares(int64_t size = 8) {
    Drawn d;
    const std::vector<std::pair<std::string, std::vector<uint8_t>>> colours = {
        {"red", {220, 30, 30}}, {"green", {20, 200, 40}}, {"blue", {30, 40, 230}}};
    for (const auto& [name, rgb] : colours)
        for (int place = 0; place < 4; place++) {
            Picture p{size, size, std::vector<uint8_t>(size_t(size * size * 3), 255)};
            for (int64_t y = 0; y < size / 2; y++)
                for (int64_t x = 0; x < size / 2; x++)
                    std::copy_n(rgb.data(), 3,
                                p.pixels.data() + ((y + place / 2 * size / 2) * size + x + place % 2 * size / 2) * 3);
            d.pictures.push_back(p);
            const std::string where[] = {"above, left", "above, right", "below, left", "below"};
            d.list.push_back({name + std::to_string(place), "train", {name + ": " + where[place]}, "", ""});
        }
    return d;
}

CaptionTraining brief(int64_t steps) {
    CaptionTraining t;
    t.steps = steps, t.warm_up = 3, t.learning_rate = 1e-2, t.weight_decay = 0.01, t.max_norm = 2;
    t.validate_every = 5;
    return t;
}

const PairBatchOptions mixed{.sentences = 5, .by_length = false};

/// A trainer with all that it needs.
struct Run {
    Generator gen{1};
    Drawn drawn = squares();
    Captioner captioner;
    CaptionIds ids;
    CaptionTrainer trainer;

    explicit Run(const CaptionTraining& training, bool attention = true, double dropout = 0.2)
        : captioner(drawn.list, {.network = options(attention, dropout)}, gen),
          ids(captioner.ids(drawn.pictures, drawn.list)),
          trainer(captioner.model, ids, ids, captioner.unknown(), captioner.batches(mixed), training) {}
    static CaptionNetworkOptions options(bool attention, double dropout) {
        return {.picture_size = 8,
                .channels = 8,
                .features = 16,
                .attention = attention,
                .embedding_size = 8,
                .hidden_size = 16,
                .attention_size = 8,
                .dropout = dropout};
    }
};

/// What h_0 and the plain decoder see of regions [9, B, 3], a grid of 3: its quarters, which overlap in the middle.
Tensor quarters(const Tensor& regions) {
    Tensor v = Tensor::empty({regions.dim(1), 12}, DType::f64);
    for (int64_t b = 0; b < regions.dim(1); b++)
        for (int64_t d = 0; d < 3; d++)
            for (int64_t q = 0; q < 4; q++) {
                double total = 0;
                for (int64_t i = 0; i < 4; i++) total += regions.at({(q / 2 + i / 2) * 3 + q % 2 + i % 2, b, d});
                v.set({b, d * 4 + q}, total / 4);
            }
    return v;
}

void check_same_weights(Captioner& a, Captioner& b) {
    const auto x = parameters(a.model), y = parameters(b.model);
    for (size_t i = 0; i < x.size(); i++) CHECK(x[i].value.to_vector() == y[i].value.to_vector());
    const auto u = buffers(a.model), v = buffers(b.model);
    for (size_t i = 0; i < u.size(); i++) CHECK(u[i].second.to_vector() == v[i].second.to_vector());
}

}  // namespace

TEST_CASE("captioner: gradients of both decoders through the convolutions and batch normalisation") {
    struct Case {
        int64_t T, B;
    };
    for (bool attention : {false, true})
        for (const Case& c : {Case{1, 2}, Case{3, 1}, Case{4, 3}}) {
            const int64_t T = c.T, B = c.B;  // clang 14 takes no structured bindings into lambdas
            CAPTURE(attention);
            CAPTURE(T);
            Generator gen(3);
            CaptionNetwork network(small_captioner(attention), gen);
            const Tensor pictures = noise({B, 3, 12, 12}, 5);
            Ids before = Ids::empty({T, B}), targets = Ids::empty({T, B});
            for (int64_t i = 0; i < T * B; i++) {
                before.mutable_data()[i] = i < B ? 1 : int32_t(gen.below(7));
                // Sequence b ends b steps before the others; what is past the end doesn't count.
                targets.mutable_data()[i] = i / B + i % B >= T && i >= B ? 0 : int32_t(1 + gen.below(6));
            }
            const GradCheck g = gradcheck(parameters(network), [&](Tape& tape) {
                return std::vector<Var>{network.loss(network.encode(tape, pictures, true), before, targets, 0)};
            });
            CHECK_MESSAGE(g.passed(), g.row(g.where()));
        }
}

TEST_CASE("captioner: the decoders by the equations") {
    for (bool attention : {false, true}) {
        Generator gen(3);
        const CaptionNetwork n(small_captioner(attention), gen);
        CHECK(n.grid() == 3);
        Tape tape;
        const auto x = n.encode(tape, noise({2, 3, 12, 12}, 5));
        const Ids before({1, 1, 4, 6, 2, 5}, {3, 2});
        States whole = x.start;
        const auto out = n.decode(x, before, whole);
        // The cell on [x_t, v_t], its matrix put together again.
        const LstmOptions sizes{.input_size = 3 + n.cell.W_xh.value.dim(1), .hidden_size = 4, .dtype = DType::f64};
        LstmCell cell(sizes, gen);
        cell.W_xh.value.copy_from(concat(n.word.W.value, n.cell.W_xh.value));
        cell.W_hh.value.copy_from(n.cell.W_hh.value);
        cell.b.value.copy_from(n.cell.b.value);
        // The plain decoder's v: of the regions that attention would see.
        CaptionNetwork looking(small_captioner(true), gen);
        looking.convolutions = n.convolutions, looking.norms = n.norms, looking.places = n.places;
        const Var v = tape.constant(quarters(looking.encode(tape, noise({2, 3, 12, 12}, 5)).values.value()));
        States s = x.start;
        for (int64_t t = 0; t < 3; t++) {
            const Var word = n.embedding(tape, before.row(t));
            if (attention) {
                const auto attended = n.attention(s.h, {x.side, x.values});
                check_close(attended.weights.value(), out.weights.value()[t], 1e-14);
                check_close(sum(out.weights.value()[t], 1), {2}, {1, 1}, 1e-14);
                s = cell.step(concat(word, attended.context), s);
            } else {
                s = cell.step(concat(word, v), s);
            }
            check_close(s.h.value(), out.h.value()[t], 1e-13);
        }
        check_close(whole.h.value(), s.h.value(), 1e-13);
        check_close(whole.C.value(), s.C.value(), 1e-13);
    }
}

TEST_CASE("captioner: what the encoder makes of a picture") {
    Generator gen(3);
    CaptionNetwork n(small_captioner(true), gen);
    const Tensor pictures = noise({2, 3, 12, 12}, 5);
    Tape tape;
    const auto x = n.encode(tape, pictures);
    Var y = tape.constant(pictures);
    for (size_t i = 0; i < 3; i++) {
        y = relu(n.norms[i](n.convolutions[i](y), false));
        if (i < 2) y = max_pool2d(y, {.kernel = 2});
    }
    REQUIRE(y.shape() == Shape{2, 3, 3, 3});
    REQUIRE(x.values.shape() == Shape{9, 2, 3});
    for (int64_t k = 0; k < 9; k++)
        for (int64_t b = 0; b < 2; b++)
            for (int64_t d = 0; d < 3; d++)
                CHECK(x.values.value().at({k, b, d}) ==
                      doctest::Approx(y.value().at({b, d, k / 3, k % 3}) + n.places.value.flat(d * 9 + k)));
    const Tensor v = quarters(x.values.value());
    const Tensor first = matmul(v, transposed(n.start.W.value)) + n.start.b.value;
    check_close(x.start.h.value(), tanh(columns(first, 0, 4)), 1e-13);
    check_close(x.start.C.value(), columns(first, 4, 8), 1e-13);
    // Larger pictures get more layers, so that there are at most 14 x 14 regions.
    CaptionNetworkOptions o = small_captioner(true);
    for (auto [size, grid, layers] : {std::array<int64_t, 3>{8, 2, 3}, {32, 8, 3}, {64, 8, 4}, {224, 14, 5}}) {
        o.picture_size = size;
        const CaptionNetwork larger(o, gen);
        CHECK(larger.grid() == grid);
        CHECK(int64_t(larger.convolutions.size()) == layers);
    }
}

TEST_CASE("captioner: a picture among others is what it is alone, where nothing is trained") {
    for (bool attention : {false, true}) {
        Run run(brief(3), attention);
        while (run.trainer.step()) {
        }
        const auto all = run.captioner.caption(run.drawn.pictures, {.max_length = 6, .beam_width = 3});
        for (size_t i = 0; i < all.size(); i++)
            CHECK(run.captioner.caption({run.drawn.pictures[i]}, {.max_length = 6, .beam_width = 3})[0] == all[i]);
        const auto scored = run.captioner.score(run.drawn.pictures[1], "red: above, right");
        REQUIRE(scored.size() == 6);  // red : above , right <eos>
        CHECK(scored[1].word == ":");
        CHECK(scored[0].weights.size() == (attention ? 4 : 0));
        const CaptionIds one = run.captioner.ids({run.drawn.pictures[1]}, {run.drawn.list[1]});
        double sum = 0;
        for (const auto& w : scored) sum -= w.log_prob;
        CHECK(evaluate(run.captioner.model, one, run.captioner.batches(mixed)) ==
              doctest::Approx(sum / 6).epsilon(1e-5));
    }
}

TEST_CASE("scheduled sampling: at 1 teacher forcing to the bit, at 0 the network's own words") {
    CaptionTraining forced = brief(12), sampled = forced;
    sampled.sampling = ScheduledSampling{ScheduledSampling::linear, 1, 0, 1};
    Run a(forced), b(sampled);
    while (a.trainer.step() && b.trainer.step()) CHECK(a.trainer.loss() == b.trainer.loss());
    CHECK(b.trainer.steps_done() == 12);
    check_same_weights(a.captioner, b.captioner);

    const CaptionNetwork& n = a.captioner.model;
    Tape tape;
    const auto x = n.encode(tape, to_tensor(a.drawn.pictures));
    Ids before = Ids::empty({5, 12});
    for (int64_t i = 0; i < 60; i++) before.mutable_data()[i] = i < 12 ? 1 : int32_t(4 + i % 3);
    Generator gen(8);
    const Ids own = scheduled_inputs(n, x, before, 0, gen);
    States s = x.start;
    const Tensor scores = n.scores(n.decode(x, own, s).h).value();
    for (int64_t t = 0; t < 5; t++)
        for (int64_t i = 0; i < 12; i++) {
            if (t == 0) CHECK(own[i] == 1);
            if (t == 0) continue;
            const std::vector<double> row = scores[t - 1][i].to_vector();
            CHECK(own[t * 12 + i] == std::max_element(row.begin(), row.end()) - row.begin());
        }
    CHECK(before[20] == 4 + 20 % 3);  // left as it was
    // In between, each word is the true one with this probability.
    int64_t theirs = 0, drawn = 0;
    for (int k = 0; k < 40; k++) {
        const Ids some = scheduled_inputs(n, x, before, 0.7, gen);
        for (int64_t i = 12; i < 60; i++) theirs += some[i] == before[i], drawn++;
    }
    CHECK(double(theirs) / double(drawn) >= 0.67);  // own words may be the true ones
    CHECK(double(theirs) / double(drawn) < 0.95);
}

TEST_CASE("captioner: both decoders learn, and training takes nothing more from the heap") {
    for (bool attention : {false, true})
        for (bool sampling : {false, true}) {
            CaptionTraining t = brief(700);
            t.word_dropout = 0.1, t.shift = sampling ? 1 : 0;
            if (sampling) t.sampling = ScheduledSampling{ScheduledSampling::inverse_sigmoid, 40};
            Run run(t, attention, 0);
            CAPTURE(attention);
            CAPTURE(sampling);
            int64_t allocations = 0;
            while (run.trainer.step())
                if (run.trainer.steps_done() == 100) allocations = memory_stats().heap_allocations;
            if (pooled()) CHECK(memory_stats().heap_allocations == allocations);
            CHECK(run.trainer.history().back().valid < 0.1);
            CHECK(run.trainer.history().size() == 140);
            const auto captions = run.captioner.caption(run.drawn.pictures, {.beam_width = 1});
            int right = 0;
            for (size_t i = 0; i < captions.size(); i++) right += captions[i] == run.drawn.list[i].captions[0];
            CHECK(right >= (sampling ? 8 : 11));  // 4 know the place alone
        }
}

TEST_CASE("captioner: stopped and resumed it is what it would have been, and a folder holds all of it") {
    const TemporaryFolder folder;
    CaptionTraining t = brief(14);
    t.word_dropout = 0.2, t.shift = 1, t.sampling = ScheduledSampling{ScheduledSampling::exponential, 0.95};
    Run whole(t), first(t), second(t);
    while (whole.trainer.step()) {
    }
    for (int i = 0; i < 6; i++) first.trainer.step();
    first.captioner.save_text(folder.path());
    first.trainer.save(folder / "model", first.captioner.configuration());
    second.trainer.resume(folder / "model");
    while (second.trainer.step()) {
    }
    check_same_weights(whole.captioner, second.captioner);
    CHECK(whole.trainer.history().back().valid == second.trainer.history().back().valid);

    second.trainer.save(folder / "model", second.captioner.configuration());
    Captioner loaded = Captioner::load(folder.path());
    check_same_weights(loaded, second.captioner);
    CHECK(loaded.caption(whole.drawn.pictures) == whole.captioner.caption(whole.drawn.pictures));

    // Another sampling, other pictures or another shift is another training.
    CaptionTraining other = t;
    other.sampling.reset();
    CHECK(contains(error_of([&] { Run(other).trainer.resume(folder / "model"); }), "sampling 0.95^i"));
    Run painted(t);
    painted.drawn.pictures[0].pixels[0] ^= 1;
    const CaptionIds ids = painted.captioner.ids(painted.drawn.pictures, painted.drawn.list);
    CaptionTrainer trainer(painted.captioner.model, ids, ids, painted.captioner.unknown(),
                           painted.captioner.batches(mixed), t);
    CHECK(contains(error_of([&] { trainer.resume(folder / "model"); }), "fingerprint"));
    folder.write("model", "{}");
    CHECK(contains(error_of([&] { Captioner::load(folder.path()); }), folder / "model"));
    CHECK(contains(error_of([&] { Captioner::load(folder / "none"); }), "none/model"));
}

TEST_CASE("captioner: wrong use") {
    Generator gen(1);
    CaptionNetworkOptions o = small_captioner(true);
    const CaptionNetwork n(o, gen);
    Tape tape;
    CHECK(failure([&] {
              n.encode(tape, noise({2, 3, 12, 11}, 1));
          }) == "CaptionNetwork (HERE): the pictures are [2, 3, 12, 11], expected [B, 3, 12, 12]");
    o.picture_size = 7;
    CHECK(contains(failure([&] { CaptionNetwork(o, gen); }), "picture_size 7, channels 2, features 3"));
    const Drawn d = squares();
    const Captioner c(d.list, {.network = Run::options(true, 0)}, gen);
    CHECK(failure([&] { c.ids({d.pictures[0]}, d.list); }) == "Captioner (HERE): 1 pictures, but captions of 12");
    CHECK(contains(error_of([&] { c.caption({Picture{4, 4, std::vector<uint8_t>(48)}}); }), "expected [B, 3, 8, 8]"));
    const CaptionedPicture rare{"x", "train", {"a <unk> , <eos>"}, "", ""};  // as in sets whose rare words are gone
    CHECK(Captioner({rare}, {.network = Run::options(true, 0)}, gen).model.options().vocabulary == 6);
    CaptionTraining t = brief(2);
    t.word_dropout = 1.5;
    CHECK(contains(error_of([&] { Run{t}; }), "word_dropout 1.5, shift 0"));
    t = brief(2), t.label_smoothing = 0.1;
    CHECK(contains(error_of([&] { Run{t}; }), "label_smoothing 0.1: expected"));
    o.picture_size = 8, o.dropout = 1;
    CHECK(contains(failure([&] { CaptionNetwork(o, gen); }), "dropout 1: expected"));
    States s;
    CHECK(failure([&] { n.decode({}, Ids({1}, {1, 1}), s); }) == "CaptionNetwork (HERE): there is no source");
    CaptionNetworkOptions f64 = Run::options(true, 0);
    f64.dtype = DType::f64;
    CHECK(Captioner(d.list, {.network = f64}, gen).caption({d.pictures[0]}).size() == 1);
}
