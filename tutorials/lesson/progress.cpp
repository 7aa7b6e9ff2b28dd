#include "tutorials/lesson/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "tutorials/lesson/door.hpp"
#include "tutorials/lesson/text.hpp"

namespace unroll::lesson {

std::string large_number(double value) {
    if (!(value >= 1e3)) return fmt::format("{:.3g}", value);
    bool millions = value >= 999.5e3, billions = value >= 999.5e6;
    return fmt::format("{:.3g} {}",
                       value / (billions   ? 1e9
                                : millions ? 1e6
                                           : 1e3),
                       billions   ? "billion"
                       : millions ? "million"
                                  : "thousand");
}

std::string duration(double seconds) {
    if (!(seconds < 1e8)) return "?";
    if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
    auto s = std::llround(seconds);
    if (s < 60) return fmt::format("{} s", s);
    if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
    return fmt::format("{} h {:02} min", s / 3600, s % 3600 / 60);
}

Progress::Progress(Settings settings)
    : settings_(std::move(settings)),
      in_place_(door::output_is_terminal()),
      begin_(door::seconds()),
      shown_(begin_),
      exceptions_(std::uncaught_exceptions()) {}

Progress::~Progress() {
    if (std::uncaught_exceptions() == exceptions_)
        finish();
    else if (drawn_ > 0)
        door::write("\n");
}

std::string Progress::line(double now) const {
    double passed = now - begin_, rate = passed > 0 ? done_ / passed : 0;
    std::string out = clean(settings_.title);
    if (settings_.total > 0) {
        double part = std::clamp((settings_.before + done_) / settings_.total, 0.0, 1.0);
        if (in_place_ && !finished_) {
            std::string bar;
            for (int i = 0; i < 20; i++) bar += i < part * 20 ? "█" : "░";
            out += " " + bar;
        }
        if (!finished_) out += fmt::format(" {:3.0f} %", part * 100);
    }
    if (finished_) out += fmt::format(": {} {} in {}", large_number(done_), settings_.unit, duration(passed));
    if (rate > 0) out += fmt::format(", {} {}/s", large_number(rate), settings_.unit);
    if (double left = settings_.total - settings_.before - done_; !finished_ && left > 0 && rate > 0)
        out += ", " + duration(left / rate) + " left";
    return note_.empty() ? out : out + ", " + clean(note_);
}

void Progress::redraw(const std::string& text) {
    auto columns = static_cast<size_t>(door::terminal_width());
    std::string shown = shorten(text, columns > 1 ? columns - 1 : 1);
    size_t before = std::exchange(drawn_, width(shown));
    door::write("\r" + pad_right(shown, before));
}

void Progress::add(double units, const std::string& note) {
    done_ += units;
    note_ = note;
    double now = door::seconds();
    if (now - shown_ < (in_place_ ? 0.1 : settings_.every_seconds)) return;
    shown_ = now;
    if (in_place_)
        redraw(line(now));
    else
        door::write(line(now) + "\n");
}

void Progress::finish() {
    if (std::exchange(finished_, true)) return;
    std::string last = line(door::seconds());
    door::write((in_place_ ? "\r" : "") + pad_right(last, drawn_) + "\n\n");
}

}  // namespace unroll::lesson
