#include <doctest/doctest.h>

#include <cmath>

#include "core/ops/reductions.hpp"
#include "models/seq2seq.hpp"
#include "nn/clip.hpp"
#include "nn/lstm.hpp"
#include "nn/optim.hpp"
#include "nn/rnn.hpp"
#include "tests/core/numbers.hpp"
#include "tests/failure.hpp"
#include "tests/pooled.hpp"

using namespace unroll;

namespace {

using Words = std::vector<int32_t>;

/// Every kind of decoder, with what else may differ.
std::vector<Seq2SeqOptions> kinds(DType dtype = DType::f64) {
    const Seq2SeqOptions base{.source_vocabulary = 9,
                              .target_vocabulary = 7,
                              .embedding_size = 4,
                              .encoder_size = 5,
                              .hidden_size = 5,
                              .dtype = dtype};
    std::vector<Seq2SeqOptions> all(6, base);
    all[0].decoder = DecoderKind::fixed;
    all[0].cell = CellKind::gru;
    all[1].decoder = DecoderKind::book;
    all[1].score = Score::dot;
    all[2].decoder = DecoderKind::book;
    all[2].score = Score::concat, all[2].attention_size = 3, all[2].bidirectional = true, all[2].encoder_size = 3;
    all[2].encoder_layers = 2, all[2].decoder_layers = 2;
    all[3].score = Score::general;
    all[4].input_feeding = true, all[4].memory_embedding = true, all[4].source_forms = 3, all[4].bidirectional = true;
    all[4].tied = true, all[4].embedding_size = 5, all[4].decoder_layers = 2;
    all[5].cell = CellKind::rnn, all[5].input_feeding = true, all[5].hidden_size = 6, all[5].score = Score::concat;
    return all;
}

Ids random_ids(const Shape& shape, int64_t below, uint64_t seed) {
    Generator gen(seed);
    Ids ids = Ids::empty(shape);
    for (int64_t i = 0; i < ids.size(); i++) ids.mutable_data()[i] = static_cast<int32_t>(gen.below(below));
    return ids;
}

Seq2Seq::Source random_source(const Seq2SeqOptions& o, int64_t S, int64_t B, uint64_t seed) {
    Seq2Seq::Source x{.words = random_ids({S, B}, o.source_vocabulary, seed)};
    if (o.source_forms > 0) x.forms = random_ids({S, B}, o.source_forms, seed + 1);
    return x;
}

/// Column b, as a batch of one, up to its length.
Ids column(const Ids& x, int64_t b, int64_t length) {
    if (!x.defined()) return x;
    Ids y = Ids::empty({length, 1});
    for (int64_t t = 0; t < length; t++) y.mutable_data()[t] = x[t * x.shape()[1] + b];
    return y;
}

}  // namespace

TEST_CASE("seq2seq: all steps at once are the steps one by one") {
    for (const Seq2SeqOptions& o : kinds()) {
        Generator gen(3);
        const Seq2Seq model(o, gen);
        CAPTURE(model.pretty());
        const Ids before = random_ids({6, 3}, o.target_vocabulary, 8);
        Tape tape;
        const Seq2Seq::Encoded x = model.encode(tape, random_source(o, 4, 3, 5));
        Seq2Seq::State whole = model.start(x), single = whole;
        const Seq2Seq::Output all = model.decode(x, before, whole);
        CHECK(all.h.shape() == Shape{6, 3, o.hidden_size});
        for (int64_t t = 0; t < 6; t++) {
            const Seq2Seq::Output one = model.decode(x, before.slice(t, t + 1), single);
            check_close(one.h.value()[0], all.h.value()[t], 1e-14);
            if (o.decoder == DecoderKind::fixed) continue;
            check_close(one.weights.value()[0], all.weights.value()[t], 1e-14);
            check_close(sum(one.weights.value()[0], 1), {3}, {1, 1, 1}, 1e-14);
        }
        check_close(single.s.h.value(), whole.s.h.value(), 1e-14);
    }
}

TEST_CASE("seq2seq: a sentence in a padded batch is what it is alone") {
    for (const Seq2SeqOptions& o : kinds()) {
        Generator gen(3);
        const Seq2Seq model(o, gen);
        CAPTURE(model.pretty());
        Seq2Seq::Source x = random_source(o, 5, 3, 5);
        x.lengths = Ids({2, 5, 1});
        const Ids before = random_ids({4, 3}, o.target_vocabulary, 8);
        Ids targets = random_ids({4, 3}, o.target_vocabulary - 1, 9);
        const int64_t until[] = {4, 1, 3};
        for (int64_t t = 0; t < 4; t++)
            for (int64_t b = 0; b < 3; b++)
                targets.mutable_data()[t * 3 + b] = t < until[b] ? targets[t * 3 + b] + 1 : 0;
        Tape tape;
        double total = 0;
        for (int64_t b = 0; b < 3; b++) {
            const int64_t S = x.lengths[b], T = until[b];
            const Seq2Seq::Source alone{column(x.words, b, S), {}, column(x.forms, b, S)};
            total += static_cast<double>(T) *
                     model.loss(tape, alone, column(before, b, T), column(targets, b, T), {}).item();
        }
        CHECK(model.loss(tape, x, before, targets, {}).item() == doctest::Approx(total / 8).epsilon(1e-13));
    }
}

TEST_CASE("seq2seq: both decoders by the equations") {
    const Seq2SeqOptions base{.source_vocabulary = 4,
                              .target_vocabulary = 6,
                              .cell = CellKind::rnn,
                              .embedding_size = 3,
                              .encoder_size = 4,
                              .hidden_size = 4,
                              .score = Score::general,
                              .dtype = DType::f64};
    const Seq2Seq::Source source{.words = Ids({1, 3, 2}, {3, 1})};
    const Ids before({1, 4}, {2, 1});
    for (DecoderKind kind : {DecoderKind::fixed, DecoderKind::book, DecoderKind::luong}) {
        Generator gen(3);
        Seq2SeqOptions o = base;
        o.decoder = kind, o.input_feeding = kind == DecoderKind::luong;
        const Seq2Seq model(o, gen);
        const auto &enc = dynamic_cast<Rnn&>(*model.encoder).cell(0), &dec = dynamic_cast<Rnn&>(*model.decoder).cell(0);
        const auto cell = [](const RnnCell& c, const Tensor& h, const Tensor& x) {
            return tanh(matmul(h, transposed(c.W_hh.value)) + matmul(x, transposed(c.W_xh.value)) + c.b_h.value);
        };
        std::vector<Tensor> s;
        Tensor h = Tensor::zeros({1, 4}, DType::f64);
        for (int64_t i = 0; i < 3; i++)
            s.push_back(h = cell(enc, h, model.source.E.value.slice(source.words[i], source.words[i] + 1)));
        const auto context = [&](const Tensor& query) {
            std::vector<double> e;
            for (const Tensor& s_i : s)
                e.push_back(sum(query * matmul(s_i, transposed(model.attention.W_a.value))).item());
            const Tensor alpha = softmax(Tensor::from(e, {3}, DType::f64));
            Tensor c = Tensor::zeros({1, 4}, DType::f64);
            for (int64_t i = 0; i < 3; i++) c += s[size_t(i)] * alpha.flat(i);
            return c;
        };
        Tape tape;
        const Seq2Seq::Encoded x = model.encode(tape, source);
        Seq2Seq::State state = model.start(x);
        const Tensor got = model.scores(model.decode(x, before, state).h).value();
        Tensor fed = Tensor::zeros({1, 4}, DType::f64);
        for (int64_t t = 0; t < 2; t++) {
            const Tensor y = model.target.E.value.slice(before[t], before[t] + 1);
            if (kind == DecoderKind::fixed) h = cell(dec, h, concat(y, s[2]));
            if (kind == DecoderKind::book) h = cell(dec, h, concat(y, context(h)));
            if (kind == DecoderKind::luong) {
                h = cell(dec, h, concat(y, fed));
                fed = tanh(matmul(concat(context(h), h), transposed(model.combine.W.value)) + model.combine.b.value);
            }
            const Tensor& seen = kind == DecoderKind::luong ? fed : h;
            check_close(got[t], matmul(seen, transposed(model.out.W.value)) + model.out.b.value, 1e-14);
        }
    }
}

TEST_CASE("seq2seq: the decoder starts from the top layer's last states, and its top layer asks") {
    const Seq2SeqOptions o = kinds()[2];  // two layers, both directions
    Generator gen(3);
    const Seq2Seq model(o, gen);
    const Seq2Seq::Source source = random_source(o, 4, 2, 5);
    Tape tape;
    const Seq2Seq::Encoded x = model.encode(tape, source);
    const RecurrentOutput s = (*model.encoder)(model.source(tape, source.words));
    const Tensor y = s.y.value(), last = concat(columns(y[3], 0, 3), columns(y[0], 3, 6));
    check_close(x.last.value(), last, 1e-15);
    const Tensor bridged = tanh(matmul(last, transposed(model.bridge_h.W.value)) + model.bridge_h.b.value);
    check_close(x.start.h.value()[1], columns(bridged, 5, 10), 1e-14);
    Seq2Seq::State state = model.start(x);
    const Ids before = random_ids({1, 2}, 7, 1);
    const Tensor weights = model.decode(x, before, state).weights.value()[0];
    check_close(weights, model.attention(row(x.start.h, 1), x.memory).weights.value(), 1e-14);
}

TEST_CASE("seq2seq: searches go on from the right states") {
    for (const Seq2SeqOptions& o : kinds()) {
        Generator gen(4);
        Seq2Seq model(o, gen);
        for (Parameter p : parameters(model)) p.value *= 3;  // so that words are not equally likely
        CAPTURE(model.pretty());
        Seq2Seq::Source x = random_source(o, 5, 4, 5);
        x.lengths = Ids({2, 5, 1, 4});
        Tape tape(Tape::Mode::forward_only);
        const auto search = [&](const Seq2Seq::Source& x, const DecodeOptions& o) {
            return beam_search(model.decoder_step(tape, x), x.words.shape()[1], o);
        };
        const DecodeOptions options{.max_length = 6, .beam_width = 4, .n_best = 2};
        const auto greedy = greedy_search(model.decoder_step(tape, x), 4, options);
        const auto beam = search(x, options);
        DecodeOptions all{.max_length = 3, .beam_width = 7 * 7 * 7, .exponent = 0};
        const auto widest = search(x, all);
        for (int64_t b = 0; b < 4; b++) {
            const Seq2Seq::Source alone{column(x.words, b, x.lengths[b]), {}, column(x.forms, b, x.lengths[b])};
            const auto log_prob = [&](const Hypothesis& h) {  // by teacher forcing
                Words targets = h.words, before = {1};
                if (h.ended) targets.push_back(2);
                before.insert(before.end(), targets.begin(), targets.end() - 1);
                const Shape column_of{int64_t(targets.size()), 1};
                Tape tape;
                return -double(targets.size()) *
                       model.loss(tape, alone, Ids(before, column_of), Ids(targets, column_of), {.padding = -100})
                           .item();
            };
            CHECK(greedy[size_t(b)].log_prob == doctest::Approx(log_prob(greedy[size_t(b)])).epsilon(1e-12));
            REQUIRE(beam[size_t(b)].best.size() == 2);
            for (const Hypothesis& h : beam[size_t(b)].best)
                CHECK(h.log_prob == doctest::Approx(log_prob(h)).epsilon(1e-12));
            const Decoded single = search(alone, options)[0];
            CHECK(single.best[0].words == beam[size_t(b)].best[0].words);
            CHECK(single.best[0].score == doctest::Approx(beam[size_t(b)].best[0].score).epsilon(1e-12));
            Hypothesis best{.log_prob = -INFINITY};  // of all there are
            for (int32_t i = 0; i < 7; i++)
                for (int32_t j = 0; j < 7; j++)
                    for (int32_t k = 0; k < 7; k++) {
                        if ((i == 2 && (j > 0 || k > 0)) || (i != 2 && j == 2 && k > 0)) continue;
                        Hypothesis h{.words = i == 2   ? Words{}
                                              : j == 2 ? Words{i}
                                              : k == 2 ? Words{i, j}
                                                       : Words{i, j, k}};
                        h.ended = i == 2 || j == 2 || k == 2;
                        h.log_prob = log_prob(h);
                        if (h.log_prob > best.log_prob) best = h;
                    }
            CHECK(widest[size_t(b)].best[0].words == best.words);
            CHECK(widest[size_t(b)].best[0].log_prob == doctest::Approx(best.log_prob).epsilon(1e-12));
        }
    }
}

TEST_CASE("seq2seq: greedy search takes nothing from the heap, however long") {
    for (const Seq2SeqOptions& o : kinds(DType::f32)) {
        Generator gen(4);
        const Seq2Seq model(o, gen);
        CAPTURE(model.pretty());
        const Seq2Seq::Source x = random_source(o, 5, 4, 5);
        Tape tape(Tape::Mode::forward_only);
        const DecodeOptions options{.never = {2}, .max_length = 50};
        for (int i = 0; i < 3; i++) greedy_search(model.decoder_step(tape, x), 4, options);
        const MemoryStats before = memory_stats();
        greedy_search(model.decoder_step(tape, x), 4, options);
        if (pooled()) CHECK(memory_stats().heap_allocations == before.heap_allocations);
        CHECK(memory_stats().live_bytes == before.live_bytes);
    }
}

TEST_CASE("seq2seq: each decoder learns to turn words round") {
    const int64_t T = 5, B = 16;
    for (DecoderKind kind : {DecoderKind::fixed, DecoderKind::book, DecoderKind::luong})
        for (bool feeding : {false, true}) {
            if (feeding && kind != DecoderKind::luong) continue;
            Generator gen(1);
            Seq2Seq model({.source_vocabulary = 8,
                           .target_vocabulary = 8,
                           .embedding_size = 16,
                           .encoder_size = 24,
                           .bidirectional = true,
                           .hidden_size = 24,
                           .decoder = kind,
                           .input_feeding = feeding},
                          gen);
            Adam adam(parameters(model), {.lr = 1e-2});
            Tape tape;
            double loss = 0;
            int64_t allocations = 0;
            for (int step = 0; step < 150; step++) {
                if (step == 50) allocations = memory_stats().heap_allocations;
                Ids words = Ids::empty({T, B}), before = Ids::empty({T, B}), targets = Ids::empty({T, B});
                for (int64_t t = 0; t < T; t++)
                    for (int64_t b = 0; b < B; b++) {
                        const auto w = int32_t(3 + gen.below(5));
                        words.mutable_data()[t * B + b] = w;
                        targets.mutable_data()[(T - 1 - t) * B + b] = w;
                        if (t > 0) before.mutable_data()[(T - t) * B + b] = w;
                        if (t == 0) before.mutable_data()[b] = 1;
                    }
                tape.clear();
                const Var L = model.loss(tape, {.words = words}, before, targets, {.label_smoothing = 0.01});
                tape.backward(L);
                clip_grad_norm(tape, parameters(model), 1);
                adam.step(tape);
                loss = L.item();
            }
            CAPTURE(int(kind));
            CHECK(loss < (kind == DecoderKind::fixed ? 1.3 : 0.6));  // ln 5 = 1.61; attention finds the place
            if (pooled()) CHECK(memory_stats().heap_allocations == allocations);
        }
}

TEST_CASE("seq2seq: wrong use") {
    Generator gen(1);
    const auto message = [&](auto change) {
        Seq2SeqOptions o{.source_vocabulary = 5, .target_vocabulary = 5};
        change(o);
        return failure([&] { Seq2Seq(o, gen); });
    };
    CHECK(message([](auto& o) { o.tied = true, o.embedding_size = 3; }) ==
          "Seq2Seq (HERE): tied: hidden_size 128 must be embedding_size 3");
    CHECK(message([](auto& o) { o.input_feeding = true, o.decoder = DecoderKind::book; }) ==
          "Seq2Seq (HERE): input feeding is of Luong's decoder alone");
    CHECK(message([](auto& o) { o.score = Score::dot, o.bidirectional = true; }) ==
          "Attention (HERE): query_size 128 and key_size 256: for the dot score they must be equal");
    CHECK(message([](auto& o) { o.source_vocabulary = 0; }) ==
          "Embedding (HERE): vocabulary 0, embedding_size 128: each must be 1 or more");
    const Seq2Seq model({.source_vocabulary = 5, .target_vocabulary = 5}, gen);
    Tape tape;
    CHECK(failure([&] { model.encode(tape, {}); }) ==
          "Seq2Seq (HERE): the source is [], expected words [S, B] with S of 1 or more");
    CHECK(failure([&] {
              model.encode(tape, {.words = Ids({1, 2}, {2, 1}), .lengths = Ids({0})});
          }) == "Seq2Seq (HERE): length 0 of sequence 0: expected 1 to S = 2");
    CHECK(failure([&] {
              model.encode(tape, {.words = Ids({1, 5}, {2, 1})});
          }).find("ids[1, 0] is 5") != std::string::npos);
    CHECK(failure([&] {
              model.encode(tape, {.words = Ids({1, 2}, {2, 1}), .forms = Ids({1, 2}, {2, 1})});
          }) == "Seq2Seq (HERE): forms of the source's words are given, but not known");
    const Seq2Seq::Encoded x = model.encode(tape, {.words = Ids({1, 2, 1, 3}, {2, 2})});
    const auto decoded = [&](const Seq2Seq::Encoded& source, Seq2Seq::State state, const Ids& before) {
        return failure([&] { model.decode(source, before, state); });
    };
    const Ids words({1, 2}, {1, 2});
    CHECK(decoded(x, model.start(x), words).empty());
    CHECK(decoded({}, model.start(x), words) == "Seq2Seq (HERE): there is no source");
    CHECK(decoded(x, {}, words) == "Seq2Seq (HERE): there is no state to go on from: begin with the source's");
    const std::string expected = ", expected [T, B=2] with T of 1 or more";
    CHECK(decoded(x, model.start(x), {}) == "Seq2Seq (HERE): the words before are not given" + expected);
    CHECK(decoded(x, model.start(x), Ids({1, 2})) == "Seq2Seq (HERE): the words before are [2]" + expected);
    CHECK(decoded(x, model.start(x), Ids({1, 2, 3}, {1, 3})) ==
          "Seq2Seq (HERE): the words before are [1, 3]" + expected);
    CHECK(decoded(x, model.start(x), Ids::empty({0, 2})) == "Seq2Seq (HERE): the words before are [0, 2]" + expected);
}
