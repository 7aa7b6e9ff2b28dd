#include "tutorials/recogniser/show.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace unroll {
namespace {

std::vector<std::string> seconds(int64_t steps, double each) {
    std::vector<std::string> labels;
    for (int64_t t = 0; t < steps; t++) labels.push_back(fmt::format("{:.2f}", double(t) * each));
    return labels;
}

/// Bands from the highest down, as many steps of 10 ms side by side as make 120 columns or fewer.
void show_spectrogram(Lesson& lesson, const Sound& sound, const std::string& title) {
    const Tensor x = log_mel(resampled(sound, 8000), {.floor = 1e-6});
    const int64_t each = (x.dim(0) + 119) / 120, columns = x.dim(0) / std::max<int64_t>(1, each), F = x.dim(1);
    std::vector<double> values;
    for (int64_t f = F - 1; f >= 0; f--)
        for (int64_t c = 0; c < columns; c++) {
            double sum = 0;
            for (int64_t t = c * each; t < (c + 1) * each; t++) sum += x.at({t, f});
            values.push_back(sum / double(each));
        }
    std::vector<std::string> bands;
    for (int64_t f = F - 1; f >= 0; f--) bands.push_back(fmt::format("{}", f + 1));
    // From 0 on: all of one sign, so that the colours go from silent to loud.
    const double least = *std::min_element(values.begin(), values.end());
    for (double& v : values) v -= least;
    lesson.heatmap(
        {.title = title + ": log-mel features",
         .values = {int(F), int(columns), values},
         .row_axis = "band",
         .column_axis = "seconds",
         .row_labels = bands,
         .column_labels = seconds(columns, 0.01 * double(each)),
         .caption = "The logarithm of each band's energy above the smallest, a column each so many windows."});
}

}  // namespace

std::string digits_text(const std::vector<int32_t>& classes) {
    std::string text;
    for (const int d : digits_of(classes)) text += fmt::format("{}{}", text.empty() ? "" : " ", d);
    return text;
}

Tensor show_heard(Lesson& lesson, const Recogniser& model, const Sound& sound, const std::string& title,
                  const PrefixBeamOptions& options) {
    lesson.clip({.title = title, .sound = sound});
    show_spectrogram(lesson, sound, title);
    const Tensor y = model.log_probs({speech_features(sound)}).at(0);
    const auto found = prefix_beam(y, options);
    const std::vector<int32_t> labels = found.empty() ? std::vector<int32_t>{} : found[0].labels;
    const std::vector<int32_t> path = align(y, labels);
    const int64_t T = y.dim(0), C = y.dim(1);
    std::vector<double> values;
    std::vector<std::string> names;
    for (int64_t k = C - 1; k >= 0; k--) {
        names.push_back(k == 0 ? "blank" : fmt::format("{}", k - 1));
        for (int64_t t = 0; t < T; t++) values.push_back(std::exp(y.at({t, k})));
    }
    lesson.heatmap({.title = title + ": P(class) at each step",
                    .values = {int(C), int(T), values},
                    .row_axis = "class",
                    .column_axis = "seconds",
                    .row_labels = names,
                    .column_labels = seconds(T, 0.03),
                    .caption = "A label is a spike, the rest is blank: CTC asks for the order of the labels, not for "
                               "their length."});
    lesson::Table aligned{.caption = fmt::format("Heard: *{}*. The likeliest path that says so", digits_text(labels)),
                          .header = {"digit", "from, s", "to, s", "P at its likeliest step"}};
    for (int64_t t = 0; t < T; t++) {
        if (path[size_t(t)] == 0 || (t > 0 && path[size_t(t)] == path[size_t(t - 1)])) continue;
        int64_t end = t;
        double most = 0;
        for (; end < T && path[size_t(end)] == path[size_t(t)]; end++)
            most = std::max(most, std::exp(y.at({end, path[size_t(t)]})));
        aligned.rows.push_back({fmt::format("{}", path[size_t(t)] - 1), fmt::format("{:.2f}", 0.03 * double(t)),
                                fmt::format("{:.2f}", 0.03 * double(end)), most});
    }
    lesson.table(aligned);
    return y;
}

}  // namespace unroll
