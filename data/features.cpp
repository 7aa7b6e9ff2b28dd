#include "data/features.hpp"

#include <algorithm>
#include <cmath>
#include <complex>

namespace unroll {
namespace {

using Complex = std::complex<double>;
const double pi = std::acos(-1.0);

/// The discrete Fourier transform in place, size a power of two: even and odd elements by themselves, then joined.
///                                                                                       (Cooley and Tukey, 1965)
void fft(std::vector<Complex>& x) {
    const size_t n = x.size();
    for (size_t i = 1, j = 0; i < n; i++) {  // to the order of reversed bits
        size_t bit = n / 2;
        for (; j & bit; bit /= 2) j ^= bit;
        j ^= bit;
        if (i < j) std::swap(x[i], x[j]);
    }
    for (size_t half = 1; half < n; half *= 2)
        for (size_t k = 0; k < half; k++) {
            const Complex turn = std::polar(1.0, -pi * double(k) / double(half));
            for (size_t i = k; i < n; i += 2 * half) {
                const Complex odd = turn * x[i + half];
                x[i + half] = x[i] - odd;
                x[i] += odd;
            }
        }
}

double mel(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double hertz(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

void check_rows(const char* operation, const Tensor& x, Where at) {
    if (!x.defined() || x.rank() != 2 || x.dtype() != DType::f32 || x.dim(0) < 1)
        fail(operation, at, "x {}, expected [T, F] in f32 with T of 1 or more", x.shape().str());
}

}  // namespace

Tensor log_mel(const Sound& sound, const LogMelOptions& o, Where at) {
    const double rate = double(sound.rate), highest = o.highest == 0 ? rate / 2 : o.highest;
    const auto window = int64_t(std::lround(o.window * rate)), step = int64_t(std::lround(o.step * rate));
    if (!(o.window <= 10) || !(o.step <= 10) || window < 2 || step < 1 || o.bands < 1 || o.bands > 1 << 12 ||
        !(o.lowest >= 0) || !(o.lowest < highest) || !(highest <= rate / 2) || !(o.floor > 0))
        fail("log_mel", at,
             "windows of {} s each {} s, {} bands from {} to {} Hz, floor {}: not possible at {} a second", o.window,
             o.step, o.bands, o.lowest, highest, o.floor, sound.rate);
    const auto N = int64_t(sound.samples.size());
    const int64_t T = N < window ? 1 : 1 + (N - window) / step, F = o.bands;
    size_t n = 2;
    while (int64_t(n) < window) n *= 2;
    std::vector<double> edges;  // of the bands, in Hz: band f rises from edge f to f+1, and falls to f+2
    for (int64_t f = 0; f < F + 2; f++)
        edges.push_back(hertz(mel(o.lowest) + (mel(highest) - mel(o.lowest)) * double(f) / double(F + 1)));
    Tensor x = Tensor::empty({{T, 'T'}, {F, 'F'}});
    float* to = x.mutable_data<float>();
    std::vector<Complex> spectrum(n);
    for (int64_t t = 0; t < T; t++) {
        std::fill(spectrum.begin(), spectrum.end(), Complex{});
        for (int64_t i = 0; i < window && t * step + i < N; i++) {
            const size_t s = size_t(t * step + i);
            const double y = double(sound.samples[s]) - (s == 0 ? 0 : o.emphasis * double(sound.samples[s - 1]));
            spectrum[size_t(i)] = y * (0.5 - 0.5 * std::cos(2 * pi * double(i) / double(window)));
        }
        fft(spectrum);
        for (int64_t f = 0; f < F; f++) {
            const double low = edges[size_t(f)], middle = edges[size_t(f) + 1], high = edges[size_t(f) + 2];
            double energy = 0;
            for (auto k = size_t(std::ceil(low * double(n) / rate)); k <= n / 2; k++) {
                const double at_k = double(k) * rate / double(n);
                if (at_k >= high) break;
                energy +=
                    std::norm(spectrum[k]) * std::min((at_k - low) / (middle - low), (high - at_k) / (high - middle));
            }
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

}  // namespace unroll
