#include "data/batches.hpp"

#include <algorithm>
#include <numeric>

#include "core/random.hpp"

namespace unroll {

uint64_t fingerprint(const std::vector<int32_t>& ids, uint64_t before) {
    before = (before ^ ids.size()) * 0x100000001b3;
    for (int32_t id : ids) before = (before ^ static_cast<uint32_t>(id)) * 0x100000001b3;
    return before;
}

uint64_t fingerprint(const std::vector<std::vector<int32_t>>& sentences, uint64_t before) {
    for (const std::vector<int32_t>& ids : sentences) before = fingerprint(ids, before);
    return before;
}

StreamBatches::StreamBatches(std::vector<int32_t> text, int64_t B, int64_t T, Where at)
    : text_(std::move(text)), B_(B), T_(T) {
    if (B < 1 || T < 1) fail("StreamBatches", at, "B {}, T {}: expected 1 or more", B, T);
    stream_ = size() / B;
    if (stream_ <= T)
        fail("StreamBatches", at, "a text of {} tokens is too short for {} streams of {} steps and one more", size(), B,
             T);
    inputs_ = Ids::empty({{T, 'T'}, {B, 'B'}});
    targets_ = Ids::empty({{T, 'T'}, {B, 'B'}});
}

StreamBatches::Batch StreamBatches::next() {
    if (position_ + T_ + 1 > stream_) position_ = 0;
    for (int64_t t = 0; t < T_; t++)
        for (int64_t b = 0; b < B_; b++) {
            const auto from = static_cast<size_t>(b * stream_ + position_ + t);
            inputs_.mutable_data()[t * B_ + b] = text_[from];
            targets_.mutable_data()[t * B_ + b] = text_[from + 1];
        }
    const bool first = position_ == 0;
    position_ += T_;
    return {inputs_, targets_, first};
}

void StreamBatches::set_position(int64_t position, Where at) {
    if (position < 0 || position > stream_ || position % T_ != 0)
        fail("StreamBatches", at, "position {}: expected a multiple of {} up to {}", position, T_, stream_);
    position_ = position;
}

PairBatches::PairBatches(std::vector<std::vector<int32_t>> sources, std::vector<std::vector<int32_t>> targets,
                         const PairBatchOptions& options, Where at)
    : sources_(std::move(sources)), targets_(std::move(targets)), options_(options) {
    if (sources_.size() != targets_.size())
        fail("PairBatches", at, "{} sources and {} targets: they must be equally many", sources_.size(),
             targets_.size());
    if (sources_.empty()) fail("PairBatches", at, "there are no pairs");
    if (options.sentences < 0 || options.tokens < 0 || options.sentences + options.tokens == 0)
        fail("PairBatches", at, "sentences {}, tokens {}: expected 0 or more, and one of them above 0",
             options.sentences, options.tokens);
    if (options.pad < 0 || options.bos < 0 || options.eos < 0 || options.pad == options.eos)
        fail("PairBatches", at, "pad {}, bos {}, eos {}: expected ids, and an end that is not padding", options.pad,
             options.bos, options.eos);
    if (!options.by_length && options.tokens > 0)
        fail("PairBatches", at, "tokens {}: such a limit is for batches by length", options.tokens);
    for (size_t i = 0; i < sources_.size(); i++)
        if (sources_[i].empty()) fail("PairBatches", at, "the source of pair {} is empty", i);
    arrange(0);
    // The lengths in the order of sorted_ are those of every pass, and so are the cuts between batches.
    size_t begin = 0;
    begins_ = {0};
    for (size_t i = 1; i <= sorted_.size(); i++) {
        const auto pairs = static_cast<int64_t>(i - begin);
        const auto padded = [&](size_t last) {
            return static_cast<int64_t>(targets_[static_cast<size_t>(sorted_[last])].size() + 1) * (pairs + 1);
        };
        if (i < sorted_.size() && (options.sentences == 0 || pairs < options.sentences) &&
            (options.tokens == 0 || padded(i) <= options.tokens))
            continue;
        begins_.push_back(i);
        begin = i;
    }
    arranged_ = -1;
}

void PairBatches::arrange(int64_t pass) {
    Generator gen(options_.seed, static_cast<uint64_t>(pass));
    sorted_.resize(sources_.size());
    std::iota(sorted_.begin(), sorted_.end(), 0);
    order_.resize(begins_.empty() ? 0 : begins_.size() - 1);
    std::iota(order_.begin(), order_.end(), 0);
    if (options_.shuffle) {
        gen.shuffle(sorted_);
        gen.shuffle(order_);
    }
    arranged_ = pass;
    if (!options_.by_length) return;
    const auto lengths = [&](int i) {
        return std::pair(targets_[static_cast<size_t>(i)].size(), sources_[static_cast<size_t>(i)].size());
    };
    std::stable_sort(sorted_.begin(), sorted_.end(), [&](int a, int b) { return lengths(a) < lengths(b); });
}

/// Columns of the sentences, `first` before each where it is 0 or more, `last` behind likewise, pad below.
static Ids columns_of(const std::vector<std::vector<int32_t>>& sentences, const std::vector<int64_t>& which, char axis,
                      int32_t pad, int32_t first, int32_t last) {
    size_t longest = 0;
    for (int64_t i : which) longest = std::max(longest, sentences[static_cast<size_t>(i)].size());
    const auto B = static_cast<int64_t>(which.size());
    const auto rows = static_cast<int64_t>(longest) + (first >= 0) + (last >= 0);
    Ids ids = Ids::empty({{rows, axis}, {B, 'B'}});
    std::fill_n(ids.mutable_data(), ids.size(), pad);
    for (int64_t b = 0; b < B; b++) {
        int32_t* to = ids.mutable_data() + b;
        const auto put = [&](int32_t id) { *to = id, to += B; };
        if (first >= 0) put(first);
        for (int32_t id : sentences[static_cast<size_t>(which[static_cast<size_t>(b)])]) put(id);
        if (last >= 0) put(last);
    }
    return ids;
}

PairBatches::Batch PairBatches::next() {
    const int64_t pass = position_ / batches();
    if (arranged_ != pass) arrange(pass);
    const auto k = static_cast<size_t>(order_[static_cast<size_t>(position_ % batches())]);
    position_++;
    Batch batch;
    batch.pairs.assign(sorted_.begin() + static_cast<std::ptrdiff_t>(begins_[k]),
                       sorted_.begin() + static_cast<std::ptrdiff_t>(begins_[k + 1]));
    std::vector<int32_t> source, target;
    for (int64_t i : batch.pairs) {
        source.push_back(static_cast<int32_t>(sources_[static_cast<size_t>(i)].size()));
        target.push_back(static_cast<int32_t>(targets_[static_cast<size_t>(i)].size() + 1));
    }
    batch.source_lengths = Ids(source);
    batch.target_lengths = Ids(target);
    batch.target_tokens = std::accumulate(target.begin(), target.end(), int64_t{0});
    batch.source = columns_of(sources_, batch.pairs, 'S', options_.pad, -1, -1);
    batch.inputs = columns_of(targets_, batch.pairs, 'T', options_.pad, options_.bos, -1);
    batch.targets = columns_of(targets_, batch.pairs, 'T', options_.pad, -1, options_.eos);
    return batch;
}

void PairBatches::set_position(int64_t position, Where at) {
    if (position < 0) fail("PairBatches", at, "position {}: expected 0 or more", position);
    position_ = position;
}

}  // namespace unroll
