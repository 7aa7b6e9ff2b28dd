#include "tutorials/04_language_models/vectors.hpp"

#include <algorithm>
#include <cmath>

namespace unroll {

std::vector<Neighbour> nearest(const Tensor& E, int32_t word, size_t k, const std::vector<bool>& skip) {
    const auto dot = [&](int64_t a, int64_t b) {
        double sum = 0;
        for (int64_t d = 0; d < E.dim(1); d++) sum += E.flat(a * E.dim(1) + d) * E.flat(b * E.dim(1) + d);
        return sum;
    };
    std::vector<Neighbour> all;
    for (int32_t other = 0; other < E.dim(0); other++)
        if (other != word && !skip[static_cast<size_t>(other)])
            all.push_back({other, dot(word, other) / std::sqrt(dot(word, word) * dot(other, other))});
    k = std::min(k, all.size());
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(k), all.end(),
                      [](const Neighbour& a, const Neighbour& b) { return a.cosine > b.cosine; });
    all.resize(k);
    return all;
}

Projection principal_components(const Tensor& X) {
    const auto N = static_cast<size_t>(X.dim(0)), D = static_cast<size_t>(X.dim(1));
    std::vector<double> x = X.to_vector();
    double total = 0;
    for (size_t d = 0; d < D; d++) {
        double mean = 0;
        for (size_t n = 0; n < N; n++) mean += x[n * D + d] / static_cast<double>(N);
        for (size_t n = 0; n < N; n++) total += (x[n * D + d] -= mean) * x[n * D + d];
    }
    Projection p;
    for (size_t c = 0; c < 2; c++) {
        std::vector<double> v(D), along(N);
        for (size_t d = 0; d < D; d++) v[d] = 1 + static_cast<double>(d % 7);  // whatever is not at right angles to it
        double norm = 0;
        for (int iteration = 0; iteration < 500; iteration++) {
            std::fill(along.begin(), along.end(), 0);
            for (size_t n = 0; n < N; n++)
                for (size_t d = 0; d < D; d++) along[n] += x[n * D + d] * v[d];
            std::fill(v.begin(), v.end(), 0);
            for (size_t n = 0; n < N; n++)
                for (size_t d = 0; d < D; d++) v[d] += along[n] * x[n * D + d];
            norm = 0;
            for (double value : v) norm += value * value;
            norm = std::sqrt(norm);
            if (norm == 0) break;  // nothing is left
            for (double& value : v) value /= norm;
        }
        for (size_t n = 0; n < N; n++) {
            along[n] = 0;
            for (size_t d = 0; d < D; d++) along[n] += x[n * D + d] * v[d];
            for (size_t d = 0; d < D; d++) x[n * D + d] -= along[n] * v[d];  // deflation
        }
        p.share[c] = total > 0 ? norm / total : 0;
        p.direction[c] = v;
        p.coordinates[c] = along;
    }
    return p;
}

}  // namespace unroll
