#include "tutorials/lesson/scale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tutorials/lesson/text.hpp"

namespace unroll::lesson {

bool Scale::drawable(double value) const { return std::isfinite(value) && (!log_ || value > 0); }

double Scale::map(double value) const { return log_ ? std::log10(value) : value; }

Scale::Scale(const std::vector<const std::vector<double>*>& values, bool log) : log_(log) {
    bool any = false;
    for (const auto* list : values)
        for (double v : *list) {
            if (!drawable(v)) continue;
            low_ = any ? std::min(low_, v) : v;
            high_ = any ? std::max(high_, v) : v;
            any = true;
        }
    if (!any) {
        low_ = log ? 1 : 0;
        high_ = log ? 10 : 1;
    } else if (low_ == high_) {
        double room = low_ == 0 ? 1 : std::abs(low_) * 0.1;
        low_ = log ? low_ / 2 : low_ - room;
        high_ = log ? high_ * 2 : high_ + room;
    }
}

double Scale::position(double value) const {
    double low = map(low_), high = map(high_);
    // Halved, so that the difference of the largest doubles does not overflow.
    return (map(value) / 2 - low / 2) / (high / 2 - low / 2);
}

std::vector<double> Scale::ticks(int about) const {
    std::vector<double> out;
    double from = low_, to = high_;
    if (log_ && map(to) - map(from) >= 1) {
        int first = static_cast<int>(std::ceil(map(from) - 1e-9)), last = static_cast<int>(std::floor(map(to) + 1e-9));
        int step = std::max(1, (last - first + about - 1) / std::max(about, 1));
        for (int e = first; e <= last; e += step) out.push_back(std::pow(10.0, e));
        return out;
    }
    double raw = (to / 2 - from / 2) / std::max(about, 1) * 2;
    double power = std::pow(10.0, std::floor(std::log10(raw)));
    double step = power * (raw <= power ? 1 : raw <= 2 * power ? 2 : raw <= 5 * power ? 5 : 10);
    if (!std::isfinite(step) || step <= 0) return {from, to};
    for (double k = std::ceil(from / step - 1e-9); k <= to / step + 1e-9 && out.size() < 100; k++)
        out.push_back(k * step);
    return out;
}

std::vector<std::string> Scale::labels(const std::vector<double>& ticks) const {
    double largest = 0, step = INFINITY;
    for (size_t i = 0; i < ticks.size(); i++) {
        largest = std::max(largest, std::abs(ticks[i]));
        if (i > 0) step = std::min(step, std::abs(ticks[i] - ticks[i - 1]));
    }
    std::vector<std::string> out;
    bool decades = log_ && (ticks.size() < 2 || ticks[1] / ticks[0] >= 9.99);
    double unit = largest >= 1e9 ? 1e9 : largest >= 1e6 ? 1e6 : largest >= 1e5 ? 1e3 : 1;
    const char* suffix = largest >= 1e9 ? " G" : largest >= 1e6 ? " M" : largest >= 1e5 ? " k" : "";
    bool scientific = largest >= 1e12 || (largest > 0 && largest < 1e-3) || !std::isfinite(step);
    int decimals = scientific ? 0 : static_cast<int>(std::clamp(std::ceil(-std::log10(step / unit) - 1e-9), 0.0, 6.0));
    for (double t : ticks) {
        if (t == 0)
            out.push_back("0");
        else if (decades)
            out.push_back(t >= 0.001 && t < 1e5 ? fmt::format("{:g}", t) : fmt::format("{:.0e}", t));
        else if (scientific)
            out.push_back(fmt::format("{:.3g}", t));
        else
            out.push_back(fmt::format("{:.{}f}{}", t / unit, decimals, suffix));
    }
    return out;
}

static Series thin(const Series& series, size_t most, const Scale& y) {
    size_t n = series.y.size();
    Series out{.name = clean(series.name)};
    auto keep = [&](size_t i) {
        out.x.push_back(series.x[i]);
        out.y.push_back(y.drawable(series.y[i]) ? series.y[i] : NAN);
    };
    size_t buckets = n <= most ? n : most / 2;
    for (size_t b = 0; b < buckets; b++) {
        size_t begin = b * n / buckets, end = (b + 1) * n / buckets;
        size_t lowest = begin, highest = begin;
        for (size_t i = begin; i < end; i++) {
            if (!y.drawable(series.y[i])) continue;
            if (!y.drawable(series.y[lowest]) || series.y[i] < series.y[lowest]) lowest = i;
            if (!y.drawable(series.y[highest]) || series.y[i] > series.y[highest]) highest = i;
        }
        keep(std::min(lowest, highest));
        if (lowest != highest) keep(std::max(lowest, highest));
    }
    return out;
}

Drawing prepare(const Plot& plot, size_t most, Where at) {
    std::vector<const std::vector<double>*> xs, ys;
    for (const Series& s : plot.series) {
        if (s.x.size() != s.y.size())
            fail("plot", at, fmt::format("series \"{}\" has {} x and {} y", clean(s.name), s.x.size(), s.y.size()));
        xs.push_back(&s.x);
        ys.push_back(&s.y);
    }
    Drawing out;
    out.x = Scale(xs, plot.log_x);
    out.y = Scale(ys, plot.log_y);
    for (const Series& s : plot.series) {
        Series drawable{.name = s.name};
        for (size_t i = 0; i < s.x.size(); i++) {
            bool shown = out.x.drawable(s.x[i]) && out.y.drawable(s.y[i]);
            (shown ? out.points : out.missing)++;
            if (!out.x.drawable(s.x[i])) continue;
            drawable.x.push_back(s.x[i]);
            drawable.y.push_back(s.y[i]);
        }
        out.series.push_back(thin(drawable, most, out.y));
    }
    return out;
}

}  // namespace unroll::lesson
