#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "core/random.hpp"
#include "data/batches.hpp"
#include "tests/pooled.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

TEST_CASE("streams: each goes on where it stopped, targets are one token ahead, and a place can be returned to") {
    std::vector<int32_t> text;
    for (int32_t i = 0; i < 23; i++) text.push_back(i);
    StreamBatches batches(text, 2, 3);  // two streams of 11: 0 .. 10 and 11 .. 21; three batches in a pass
    CHECK(batches.batches() == 3);
    for (int pass = 0; pass < 2; pass++)
        for (int32_t k = 0; k < 3; k++) {
            const StreamBatches::Batch b = batches.next();
            CHECK(b.first == (k == 0));
            for (int32_t t = 0; t < 3; t++) {
                CHECK(b.inputs[t * 2] == 3 * k + t);
                CHECK(b.inputs[t * 2 + 1] == 11 + 3 * k + t);
                CHECK(b.targets[t * 2] == 3 * k + t + 1);
                CHECK(b.targets[t * 2 + 1] == 11 + 3 * k + t + 1);
            }
        }
    batches.next();
    const int64_t place = batches.position();
    const int32_t expected = batches.next().inputs[0];
    batches.set_position(place);
    CHECK(batches.next().inputs[0] == expected);
    CHECK(error_of([&] { batches.set_position(1); }).find("position 1") != std::string::npos);
    CHECK(error_of([&] { StreamBatches(text, 8, 3); }).find("too short for 8 streams of 3 steps") != std::string::npos);
    CHECK(error_of([&] { StreamBatches(text, 0, 3); }).find("B 0") != std::string::npos);
}

TEST_CASE("streams: no memory is asked for, whatever the numbers, and the whole text is read but what is left over") {
    std::vector<int32_t> text;
    for (int32_t i = 0; i < 1000; i++) text.push_back(i);
    StreamBatches batches(text, 3, 7);
    std::vector<int> seen(1000);
    batches.next();
    batches.set_position(0);
    const int64_t before = memory_stats().heap_allocations;
    for (int64_t i = 0; i < batches.batches(); i++) {
        const StreamBatches::Batch b = batches.next();
        for (int64_t k = 0; k < 21; k++) seen[static_cast<size_t>(b.targets[k])]++;
    }
    CHECK(memory_stats().heap_allocations == before);
    CHECK(*std::max_element(seen.begin(), seen.end()) == 1);
    CHECK(std::count(seen.begin(), seen.end(), 1) == batches.batches() * 21);
    CHECK(batches.batches() == 47);  // (333 - 1) / 7
    CHECK(batches.next().first);

    const int64_t most = std::numeric_limits<int64_t>::max();
    CHECK(contains(error_of([&] { StreamBatches(text, 1, most); }), "too short"));
    CHECK(contains(error_of([&] { StreamBatches(text, most, 1); }), "too short"));
    CHECK(contains(error_of([&] { StreamBatches(text, -1, 1); }), "B -1"));
    CHECK(contains(error_of([&] { StreamBatches({}, 1, 1); }), "a text of 0 tokens is too short"));
    CHECK(contains(error_of([&] { StreamBatches({5}, 1, 1); }), "a text of 1 tokens is too short"));
    // Streams of 6 hold one batch of 3: the second one's last target would be of the next stream, or of no text at all.
    StreamBatches even({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 2, 3);
    CHECK(even.batches() == 1);
    CHECK(even.next().targets[5] == 9);
    CHECK(even.next().first);
    CHECK(StreamBatches({5, 6}, 1, 1).next().targets[0] == 6);
    for (int64_t place : {int64_t{-7}, int64_t{336}, int64_t{8}, most})
        CHECK(contains(error_of([&] { batches.set_position(place); }), "position"));
}

namespace {

std::vector<std::vector<int32_t>> sentences(uint64_t seed, int64_t n, int64_t longest, int64_t shortest) {
    Generator gen(seed);
    std::vector<std::vector<int32_t>> all;
    for (int64_t i = 0; i < n; i++) {
        all.emplace_back(static_cast<size_t>(shortest + gen.below(longest - shortest + 1)));
        for (int32_t& id : all.back()) id = static_cast<int32_t>(3 + gen.below(50));
    }
    return all;
}

}  // namespace

TEST_CASE("pairs in batches: one by hand") {
    PairBatches batches({{5, 6, 7}, {8}}, {{9}, {}}, {.sentences = 2, .pad = 0, .bos = 1, .eos = 2, .shuffle = false});
    CHECK(batches.batches() == 1);
    const PairBatches::Batch b = batches.next();
    const auto numbers = [](const Ids& ids) { return std::vector<int32_t>(ids.data(), ids.data() + ids.size()); };
    CHECK(b.pairs == std::vector<int64_t>{1, 0});  // by the target's length
    CHECK(b.source.shape().str() == "[S=3, B=2]");
    CHECK(b.targets.shape().str() == "[T=2, B=2]");
    CHECK(numbers(b.source) == std::vector<int32_t>{8, 5, 0, 6, 0, 7});
    CHECK(numbers(b.source_lengths) == std::vector<int32_t>{1, 3});
    CHECK(numbers(b.inputs) == std::vector<int32_t>{1, 1, 0, 9});
    CHECK(numbers(b.targets) == std::vector<int32_t>{2, 9, 0, 2});
    CHECK(numbers(b.target_lengths) == std::vector<int32_t>{1, 2});
    CHECK(b.target_tokens == 3);
}

TEST_CASE("pairs in batches: every pass has every pair once, within the limits, in an order of its own") {
    const auto sources = sentences(1, 500, 12, 1), targets = sentences(2, 500, 15, 0);
    const PairBatchOptions options{.sentences = 20, .tokens = 120, .pad = 0, .bos = 1, .eos = 2, .seed = 3};
    PairBatches batches(sources, targets, options);
    std::vector<std::vector<int64_t>> orders;
    int64_t padded = 0, counted = 0;
    for (int pass = 0; pass < 3; pass++) {
        std::set<int64_t> seen;
        std::vector<int64_t> order;
        for (int64_t k = 0; k < batches.batches(); k++) {
            const PairBatches::Batch b = batches.next();
            const int64_t B = b.targets.shape()[1];
            CHECK(B <= 20);
            CHECK(b.targets.size() <= 120);
            padded += b.targets.size();
            counted += b.target_tokens;
            for (int64_t i = 0; i < B; i++) {
                const auto pair = static_cast<size_t>(b.pairs[static_cast<size_t>(i)]);
                CHECK(seen.insert(b.pairs[static_cast<size_t>(i)]).second);
                order.push_back(b.pairs[static_cast<size_t>(i)]);
                REQUIRE(b.source_lengths[i] == static_cast<int32_t>(sources[pair].size()));
                for (int32_t s = 0; s < b.source_lengths[i]; s++)
                    CHECK(b.source[s * B + i] == sources[pair][static_cast<size_t>(s)]);
                CHECK(b.targets[(b.target_lengths[i] - 1) * B + i] == 2);
            }
        }
        CHECK(seen.size() == 500);
        orders.push_back(order);
    }
    CHECK(orders[0] != orders[1]);
    CHECK(orders[1] != orders[2]);
    CHECK(padded < counted * 1.15);

    // The same seed gives the same order, and a place is returned to.
    PairBatches again(sources, targets, options);
    again.set_position(batches.batches() + 2);
    const std::vector<int64_t> expected = again.next().pairs;
    CHECK(again.position() == batches.batches() + 3);
    PairBatches walked(sources, targets, options);
    for (int64_t k = 0; k < walked.batches() + 2; k++) walked.next();
    CHECK(walked.next().pairs == expected);
    PairBatchOptions other = options;
    other.seed = 4;
    other.tokens = 0;
    PairBatches others(sources, targets, other);
    CHECK(others.batches() == 25);
    CHECK(others.next().pairs.size() == 20);
}

TEST_CASE("pairs in batches: what can't be") {
    const PairBatchOptions good{.sentences = 2, .pad = 0, .bos = 1, .eos = 2};
    const auto refused = [](std::vector<std::vector<int32_t>> s, std::vector<std::vector<int32_t>> t,
                            const PairBatchOptions& o) { return error_of([&] { PairBatches(s, t, o); }); };
    CHECK(contains(refused({{1}}, {}, good), "1 sources and 0 targets"));
    CHECK(contains(refused({}, {}, good), "there are no pairs"));
    CHECK(contains(refused({{1}, {}}, {{1}, {1}}, good), "the source of pair 1 is empty"));
    PairBatchOptions bad = good;
    bad.sentences = 0;
    CHECK(contains(refused({{1}}, {{1}}, bad), "sentences 0, tokens 0"));
    bad = good;
    bad.pad = 2;
    CHECK(contains(refused({{1}}, {{1}}, bad), "pad 2, bos 1, eos 2"));
    PairBatches one({{5}}, {{6, 7, 8}}, {.tokens = 2, .pad = 0, .bos = 1, .eos = 2});
    CHECK(one.next().targets.size() == 4);  // longer than the limit: a batch of its own
    CHECK(contains(error_of([&] { one.set_position(-1); }), "position -1"));
}

TEST_CASE("pairs in batches, not by length: a sample of all pairs, another in each pass") {
    std::vector<std::vector<int32_t>> sources, targets;
    for (int32_t i = 0; i < 50; i++) sources.push_back({i}), targets.emplace_back(size_t(i % 7), 5);
    PairBatchOptions o{.sentences = 8, .pad = 0, .bos = 1, .eos = 2, .by_length = false};
    PairBatches batches(sources, targets, o), again(sources, targets, o);
    std::set<std::vector<int64_t>> different;
    int mixed = 0;
    for (int pass = 0; pass < 3; pass++) {
        std::set<int64_t> seen;
        for (int64_t k = 0; k < 7; k++) {
            const PairBatches::Batch b = batches.next();
            seen.insert(b.pairs.begin(), b.pairs.end());
            different.insert(b.pairs);
            mixed += *std::max_element(b.target_lengths.data(), b.target_lengths.data() + b.pairs.size()) >
                     *std::min_element(b.target_lengths.data(), b.target_lengths.data() + b.pairs.size()) + 1;
        }
        CHECK(seen.size() == 50);
    }
    CHECK(different.size() == 21);
    CHECK(mixed > 15);
    batches.set_position(9), again.set_position(9);
    CHECK(batches.next().pairs == again.next().pairs);
    o.shuffle = false;
    CHECK(PairBatches(sources, targets, o).next().pairs == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7});
    o.tokens = 5;
    CHECK(contains(error_of([&] { PairBatches(sources, targets, o); }), "tokens 5: such a limit is for batches by"));
}
