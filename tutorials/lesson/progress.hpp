#pragma once
#include <string>

namespace unroll::lesson {

/// A bar with rate and time left while something long runs: redrawn in place on a terminal, elsewhere a plain line now
/// and then. Ends with one line that stays: how much in how long.
///
///     Progress bar({.title = "training", .total = steps * T * B, .unit = "characters"});
///     bar.add(T * B, fmt::format("loss {:.3f}", loss));
class Progress {
  public:
    struct Settings {
        std::string title = {};
        double total = 0;           // units in all; 0: not known
        double before = 0;          // of them done by an earlier run, which took none of this one's time
        std::string unit = {};      // what is counted, in the plural: "characters"
        double every_seconds = 10;  // between plain lines where nothing can be redrawn
    };
    explicit Progress(Settings settings);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void add(double units, const std::string& note = "");
    /// The line that stays. Called by the destructor where it was not before, except while an exception passes.
    void finish();

  private:
    std::string line(double now) const;
    void redraw(const std::string& text);

    Settings settings_;
    bool in_place_;
    double begin_, shown_;
    double done_ = 0;   // by this run
    size_t drawn_ = 0;  // columns on the terminal's line
    std::string note_;
    bool finished_ = false;
    int exceptions_;
};

/// "1.9 thousand", "36 million", "12"
std::string large_number(double value);
/// "8 s", "2 min 05 s", "3 h 20 min"
std::string duration(double seconds);

}  // namespace unroll::lesson
