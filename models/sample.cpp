#include "models/sample.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/ops/lookup.hpp"

namespace unroll {

std::vector<double> sampling_distribution(const Tensor& scores, const SampleOptions& options, Where at) {
    if (!(options.temperature >= 0)) fail("sample", at, "temperature {}: expected 0 or more", options.temperature);
    if (!(options.top_p > 0 && options.top_p <= 1)) fail("sample", at, "top_p {}: expected 0 < p <= 1", options.top_p);
    if (options.length < 0 || options.top_k < 0)
        fail("sample", at, "length {}, top_k {}: expected 0 or more", options.length, options.top_k);
    const std::vector<double> s = scores.to_vector();
    std::vector<size_t> order(s.size());
    std::iota(order.begin(), order.end(), 0);
    std::erase(order, size_t(options.never));
    if (order.empty()) fail("sample", at, "there is no token to draw but the one that is never to be drawn");
    if (std::any_of(s.begin(), s.end(), [](double x) { return std::isnan(x); })) fail("sample", at, "a score is NaN");
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return s[a] > s[b]; });
    if (options.top_k > 0) order.resize(std::min(order.size(), size_t(options.top_k)));
    if (options.temperature == 0) order.resize(1);
    if (!std::isfinite(s[order[0]])) fail("sample", at, "the largest score is infinite");
    std::vector<double> p(s.size());
    double total = 0, nucleus = 0;
    for (size_t i : order)
        total += p[i] = options.temperature == 0 ? 1 : std::exp((s[i] - s[order[0]]) / options.temperature);
    for (size_t i : order) {
        if (nucleus >= options.top_p * total)
            p[i] = 0;
        else
            nucleus += p[i];
    }
    for (double& x : p) x /= nucleus;
    return p;
}

std::vector<int32_t> sample(const LanguageModel& model, const std::vector<int32_t>& prompt,
                            const SampleOptions& options, Generator& gen, Where at) {
    if (prompt.empty()) fail("sample", at, "the prompt is empty: give at least one token to start from");
    const int64_t V = model.out.W.value.dim(0);
    Tape tape(Tape::Mode::forward_only);
    // W_xh E of all words beforehand, where that is less than doing it for the words to come one by one.
    const Var E = tape.watch(model.embedding.E), table = V < 4 * options.length ? model.rnn->projection(E) : Var();
    StateValues state;
    Tensor scores;
    const auto read = [&](int32_t token) {
        const Ids word({token}, {1, 1});
        const RecurrentCall call{.initial = state.on(tape), .words = given(table) ? word : Ids()};
        const RecurrentOutput h = (*model.rnn)(given(table) ? table : embedding(E, word), call);
        state = h.last;
        scores = model.out(h.y).value().reshape({-1});
    };
    for (int32_t token : prompt) read(token);
    sampling_distribution(scores, options, at);  // wrong options are wrong for a length of 0 too
    std::vector<int32_t> written;
    while (int64_t(written.size()) < options.length) {
        const std::vector<double> p = sampling_distribution(scores, options, at);
        double u = gen.uniform();
        size_t i = 0;
        while (i + 1 < p.size() && (u -= p[i]) >= 0) i++;
        while (p[i] == 0) i--;  // rounding may leave a little of u behind the last that can be drawn
        written.push_back(int32_t(i));
        read(written.back());
    }
    return written;
}

}  // namespace unroll
