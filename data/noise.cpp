#include "data/noise.hpp"

#include <algorithm>
#include <cmath>

namespace unroll {

double power(const Sound& sound, const std::vector<Span>& spans, Where at) {
    double squares = 0, n = 0;
    for (const Span& s : spans) {
        if (s.begin < 0 || s.end > int64_t(sound.samples.size()) || s.begin > s.end)
            fail("power", at, "samples {} to {} of {}", s.begin, s.end, sound.samples.size());
        for (int64_t i = s.begin; i < s.end; i++) squares += std::pow(double(sound.samples[size_t(i)]), 2);
        n += double(s.end - s.begin);
    }
    if (n == 0) fail("power", at, "of no samples");
    return squares / n;
}
double power(const Sound& sound, Where at) { return power(sound, {{0, int64_t(sound.samples.size())}}, at); }

SpeechShape speech_shape(const std::vector<Sound>& recordings, int64_t order, Where at) {
    if (order < 1) fail("speech_shape", at, "order {}, expected 1 or more", order);
    std::vector<double> r(size_t(order) + 1);  // autocorrelation, each recording at power 1
    for (const Sound& s : recordings) {
        if (s.samples.empty() || power(s, at) == 0) continue;
        const double scale = 1 / (power(s, at) * double(s.samples.size()));
        for (size_t k = 0; k < r.size(); k++)
            for (size_t i = k; i < s.samples.size(); i++)
                r[k] += scale * double(s.samples[i]) * double(s.samples[i - k]);
    }
    if (r[0] == 0) fail("speech_shape", at, "of {} recordings, all of them silent", recordings.size());
    double error = r[0] * (1 + 1e-9);
    std::vector<double> a;
    for (size_t m = 1; m <= size_t(order); m++) {  // from the best m - 1 coefficients to the best m
        double next = r[m];
        for (size_t k = 1; k < m; k++) next -= a[k - 1] * r[m - k];
        next /= error;
        std::vector<double> longer = a;
        for (size_t k = 1; k < m; k++) longer[k - 1] -= next * a[m - k - 1];
        longer.push_back(next);
        a = std::move(longer);
        error *= 1 - next * next;
    }
    return {a};
}

Sound noise(NoiseKind kind, int64_t n, int64_t rate, Generator& gen, const SpeechShape& shape, Where at) {
    if (n < 1 || rate < 1) fail("noise", at, "{} samples, {} a second: expected 1 or more", n, rate);
    if (kind == NoiseKind::speech && shape.a.empty()) fail("noise", at, "shaped like speech: its shape is not given");
    const int64_t before = kind == NoiseKind::white ? 0 : 1000;  // until the filter has forgotten that it began
    Tensor white = Tensor::empty({before + n});
    gen.fill_normal(white, 0, 1);
    const float* e = white.data<float>();
    Sound sound{rate, {}};
    sound.samples.reserve(size_t(n));
    if (kind == NoiseKind::white) sound.samples.assign(e, e + n);
    // Three low-passes, whose sum falls with 1/f to within 0.5 dB (Kellet's, at 44,100 a second; the slope is the same)
    double low[3] = {};
    const double keep[3] = {0.99765, 0.96300, 0.57000}, gain[3] = {0.0990460, 0.2965164, 1.0526913};
    std::vector<double> last(shape.a.size());  // x_{t-1}, x_{t-2}, ..
    for (int64_t t = 0; kind != NoiseKind::white && t < before + n; t++) {
        double x = double(e[t]);
        if (kind == NoiseKind::pink) {
            for (int i = 0; i < 3; i++) low[i] = keep[i] * low[i] + gain[i] * double(e[t]);
            x = (low[0] + low[1] + low[2] + 0.1848 * double(e[t])) / 3;
        } else {
            for (size_t k = 0; k < last.size(); k++) x += shape.a[k] * last[k];
            std::rotate(last.begin(), last.end() - 1, last.end());
            last[0] = x;
        }
        if (t >= before) sound.samples.push_back(float(x));
    }
    return sound;
}

Sound mixed(const Sound& signal, const std::vector<Span>& spans, const Sound& noise, double decibels, Where at) {
    if (noise.samples.size() != signal.samples.size() || noise.rate != signal.rate)
        fail("mixed", at, "noise of {} samples, {} a second, with a signal of {}, {} a second", noise.samples.size(),
             noise.rate, signal.samples.size(), signal.rate);
    const double loud = power(signal, spans, at), other = power(noise, at);
    if (!(loud > 0) || !(other > 0) || !std::isfinite(decibels))
        fail("mixed", at, "powers of signal {} and noise {} can't be at {} dB", loud, other, decibels);
    const double gain = std::sqrt(loud / other * std::pow(10, -decibels / 10));
    Sound sum = signal;
    for (size_t i = 0; i < sum.samples.size(); i++)
        sum.samples[i] = float(double(sum.samples[i]) + gain * double(noise.samples[i]));
    return sum;
}

}  // namespace unroll
