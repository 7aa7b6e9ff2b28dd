#include "data/features.hpp"

#include <algorithm>
#include <cmath>

namespace unroll {
namespace {

const double pi = std::acos(-1.0);

/// The discrete Fourier transform of n numbers in place, n a power of two: even and odd elements by themselves, then
/// joined. (Cooley and Tukey, 1965)
class Fft {
  public:
    explicit Fft(size_t n) : re(n), im(n), cos_(n), sin_(n), reversed_(n) {
        for (size_t half = 1; half < n; half *= 2)  // e^{-πik/half}, of all stages behind each other
            for (size_t k = 0; k < half; k++) {
                cos_[half + k] = std::cos(pi * double(k) / double(half));
                sin_[half + k] = -std::sin(pi * double(k) / double(half));
            }
        for (size_t i = 1; i < n; i++) reversed_[i] = reversed_[i / 2] / 2 + (i % 2 == 1 ? n / 2 : 0);
    }
    void run() {
        const size_t n = re.size();
        for (size_t i = 0; i < n; i++)  // to the order of reversed bits
            if (i < reversed_[i]) std::swap(re[i], re[reversed_[i]]), std::swap(im[i], im[reversed_[i]]);
        for (size_t half = 1; half < n; half *= 2)
            for (size_t i = 0; i < n; i += 2 * half)
                join(half, re.data() + i, im.data() + i, cos_.data() + half, sin_.data() + half);
    }
    std::vector<double> re, im;

  private:
    static void join(size_t half, double* re, double* im, const double* cos, const double* sin) {
        for (size_t k = 0; k < half; k++) {
            const double odd_re = cos[k] * re[k + half] - sin[k] * im[k + half];
            const double odd_im = cos[k] * im[k + half] + sin[k] * re[k + half];
            re[k + half] = re[k] - odd_re, im[k + half] = im[k] - odd_im;
            re[k] += odd_re, im[k] += odd_im;
        }
    }
    std::vector<double> cos_, sin_;
    std::vector<size_t> reversed_;
};

double mel(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double hertz(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

/// Where the warp takes a frequency: times it up to 4/5 of the highest, and from there straight to the highest.
double warped(double f, double warp, double highest) {
    const double knee = 0.8 * highest;
    return f <= knee ? warp * f : highest - (highest - f) * (highest - warp * knee) / (highest - knee);
}

/// A band's triangle over the bins of the spectrum.
struct Band {
    size_t first = 0;
    std::vector<double> weights = {};
};

void check_rows(const char* operation, const Tensor& x, Where at) {
    if (!x.defined() || x.rank() != 2 || x.dtype() != DType::f32 || x.dim(0) < 1)
        fail(operation, at, "x {}, expected [T, F] in f32 with T of 1 or more", x.shape().str());
}

void check_rate(const char* operation, const Sound& sound, Where at) {
    if (sound.rate < 1000) fail(operation, at, "a sound of {} samples a second, expected 1000 or more", sound.rate);
}

/// Zeros, the mean, in a stretch of up to 8 steps for each second, and in one of up to 6 bands and their deltas.
///                                                                     (Park et al., "SpecAugment", Interspeech 2019)
void mask(Tensor& x, int64_t bands, Generator& gen) {
    const int64_t T = x.dim(0), F = x.dim(1), width = gen.below(7), lowest = gen.below(bands - width);
    float* to = x.mutable_data<float>();
    for (int64_t i = 0; i < T / 100; i++) {
        const int64_t length = gen.below(9), begin = gen.below(T - length);
        std::fill_n(to + begin * F, length * F, 0.0f);
    }
    for (int64_t t = 0; t < T; t++)
        for (int64_t f = lowest; f < lowest + width; f++) to[t * F + f] = to[t * F + bands + f] = 0;
}

}  // namespace

Tensor log_mel(const Sound& sound, const LogMelOptions& o, Where at) {
    const double rate = double(sound.rate), highest = o.highest == 0 ? rate / 2 : o.highest;
    const auto window = int64_t(std::lround(o.window * rate)), step = int64_t(std::lround(o.step * rate));
    if (!(o.window <= 10) || !(o.step <= 10) || window < 2 || step < 1 || o.bands < 1 || o.bands > 1 << 12 ||
        !(o.lowest >= 0) || !(o.lowest < highest) || !(highest <= rate / 2) || !(o.floor > 0) ||
        !(o.warp >= 0.5 && o.warp < 1.25))
        fail("log_mel", at,
             "windows of {} s each {} s, {} bands from {} to {} Hz, warp {}, floor {}: not possible at {} a second",
             o.window, o.step, o.bands, o.lowest, highest, o.warp, o.floor, sound.rate);
    const auto N = int64_t(sound.samples.size());
    const int64_t T = N < window ? 1 : 1 + (N - window) / step, F = o.bands;
    size_t n = 2;
    while (int64_t(n) < window) n *= 2;
    std::vector<double> edges, hann;  // of the bands, in Hz: band f rises from edge f to f+1, and falls to f+2
    for (int64_t f = 0; f < F + 2; f++) {
        const double at_f = hertz(mel(o.lowest) + (mel(highest) - mel(o.lowest)) * double(f) / double(F + 1));
        edges.push_back(warped(at_f, o.warp, highest));
    }
    std::vector<Band> bands;
    for (size_t f = 0; f < size_t(F); f++) {
        const double low = edges[f], middle = edges[f + 1], high = edges[f + 2], bin = rate / double(n);
        Band band{size_t(std::ceil(low / bin)), {}};
        for (size_t k = band.first; k <= n / 2 && double(k) * bin < high; k++)
            band.weights.push_back(
                std::min((double(k) * bin - low) / (middle - low), (high - double(k) * bin) / (high - middle)));
        bands.push_back(std::move(band));
    }
    for (int64_t i = 0; i < window; i++) hann.push_back(0.5 - 0.5 * std::cos(2 * pi * double(i) / double(window)));
    Tensor x = Tensor::empty({{T, 'T'}, {F, 'F'}});
    float* to = x.mutable_data<float>();
    Fft fft(n);
    const auto take = [&](int64_t t, std::vector<double>& part) {  // step t's window
        std::fill(part.begin(), part.end(), 0.0);
        for (int64_t i = 0; t < T && i < window && t * step + i < N; i++) {
            const size_t s = size_t(t * step + i);
            const double before = s == 0 ? 0 : double(sound.samples[s - 1]);
            part[size_t(i)] = (double(sound.samples[s]) - o.emphasis * before) * hann[size_t(i)];
        }
    };
    std::vector<double> power(n / 2 + 1), next(n / 2 + 1);
    for (int64_t t = 0; t < T; t++) {
        if (t % 2 == 0) {  // two real windows a, b at once: Z = A + iB, and A_k, B_k come from Z_k and Z_{n-k}
            take(t, fft.re), take(t + 1, fft.im);
            fft.run();
            for (size_t k = 0; k <= n / 2; k++) {
                const size_t m = (n - k) % n;
                power[k] = (std::pow(fft.re[k] + fft.re[m], 2) + std::pow(fft.im[k] - fft.im[m], 2)) / 4;
                next[k] = (std::pow(fft.im[k] + fft.im[m], 2) + std::pow(fft.re[m] - fft.re[k], 2)) / 4;
            }
        } else {
            power.swap(next);
        }
        for (const Band& band : bands) {
            double energy = 0;
            for (size_t k = 0; k < band.weights.size(); k++) energy += band.weights[k] * power[band.first + k];
            *to++ = float(std::log(std::max(energy, o.floor)));
        }
    }
    return x;
}

Tensor deltas(const Tensor& x, int64_t reach, Where at) {
    check_rows("deltas", x, at);
    if (reach < 1) fail("deltas", at, "reach {}, expected 1 or more", reach);
    const int64_t T = x.dim(0), F = x.dim(1);
    double squares = 0;
    for (int64_t n = 1; n <= reach; n++) squares += double(n * n);
    Tensor d = Tensor::empty(x.shape());
    const float* from = x.data<float>();
    float* to = d.mutable_data<float>();
    for (int64_t t = 0; t < T; t++)
        for (int64_t f = 0; f < F; f++) {
            double sum = 0;
            for (int64_t n = 1; n <= reach; n++)
                sum += double(n) * (double(from[std::min(T - 1, t + n) * F + f]) -
                                    double(from[std::max<int64_t>(0, t - n) * F + f]));
            to[t * F + f] = float(sum / (2 * squares));
        }
    return d;
}

Tensor normalised(const Tensor& x, Where at) {
    check_rows("normalised", x, at);
    const int64_t T = x.dim(0), F = x.dim(1);
    Tensor y = x.clone();
    float* to = y.mutable_data<float>();
    for (int64_t f = 0; f < F; f++) {
        double mean = 0, variance = 0;
        for (int64_t t = 0; t < T; t++) mean += double(to[t * F + f]) / double(T);
        for (int64_t t = 0; t < T; t++) variance += std::pow(double(to[t * F + f]) - mean, 2) / double(T);
        const double r = variance > 1e-10 ? 1 / std::sqrt(variance) : 0;
        for (int64_t t = 0; t < T; t++) to[t * F + f] = float((double(to[t * F + f]) - mean) * r);
    }
    return y;
}

Tensor stacked(const Tensor& x, int64_t n, Where at) {
    check_rows("stacked", x, at);
    if (n < 1) fail("stacked", at, "n {}, expected 1 or more", n);
    const int64_t T = std::max<int64_t>(1, x.dim(0) / n), F = x.dim(1);
    Tensor y = Tensor::zeros({{T, 'T'}, {n * F, 'F'}});
    std::copy_n(x.data<float>(), std::min(T * n, x.dim(0)) * F, y.mutable_data<float>());
    return y;
}

Tensor speech_features(const Sound& sound, const SpeechFeatureOptions& o, Where at) {
    check_rate("speech_features", sound, at);
    Sound loud = resampled(sound, 8000, at);
    double squares = 0;
    for (const float x : loud.samples) squares += double(x) * double(x);
    const double rms = std::sqrt(squares / double(std::max<size_t>(1, loud.samples.size())));
    if (rms > 0)
        for (float& x : loud.samples) x = float(double(x) * 0.1 / rms);
    const Tensor bands = log_mel(loud, {.warp = o.warp, .floor = 1e-3}, at), change = deltas(bands);
    const int64_t T = bands.dim(0), F = bands.dim(1);
    Tensor both = Tensor::empty({{T, 'T'}, {2 * F, 'F'}});
    for (int64_t t = 0; t < T; t++) {
        float* row = both.mutable_data<float>() + t * 2 * F;
        std::copy_n(bands.data<float>() + t * F, F, row);
        std::copy_n(change.data<float>() + t * F, F, row + F);
    }
    Tensor x = normalised(both);
    if (o.masks != nullptr) mask(x, F, *o.masks);
    return stacked(x, 3);
}

}  // namespace unroll
