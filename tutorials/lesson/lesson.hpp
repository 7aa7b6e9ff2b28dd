#pragma once
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.hpp"
#include "core/tape.hpp"
#include "tutorials/lesson/elements.hpp"
#include "tutorials/lesson/options.hpp"
#include "tutorials/lesson/progress.hpp"
#include "tutorials/lesson/stepper.hpp"

namespace unroll {
namespace lesson {
class Page;

/// Thrown where the reader has stopped a long run (door::Interrupt); `how` tells how to go on.
struct Stopped {
    std::string how;
};
}  // namespace lesson

/// A chapter's run, told on the terminal and in an HTML page:
///
///     int main(int argc, char** argv) {
///         Lesson lesson({.number = "01", .title = "The basic RNN"});
///         std::string text;
///         lesson.option("--text FILE", text, "learn from this text instead of Austen");
///         return lesson.run(argc, argv, [&] {
///             lesson.section("Unrolled", "Unrolled RNN");
///             lesson.equation(R"(h_t = \sigma(W_{hh} h_{t-1} + W_{xh} x_t + b_h))");
///             ...
///         });
///     }
///
/// Strings called marked may hold `code`, $maths$ and *emphasis*.
class Lesson {
  public:
    struct About {
        std::string number, title;
    };
    explicit Lesson(About about);
    ~Lesson();

    /// An option of this chapter; what `value` holds is its default. A number outside lowest .. highest is wrong use.
    void option(const std::string& name, std::string& value, const std::string& help) { line_.add(name, value, help); }
    void option(const std::string& name, bool& value, const std::string& help) { line_.add(name, value, help); }
    void option(const std::string& name, int& value, int lowest, int highest, const std::string& help) {
        line_.add(name, value, lowest, highest, help);
    }

    /// Parses the command line, tells the chapter, writes the page and prints its path as the last line. Returns the
    /// exit status: 1 after an Error (one line on stderr, no page) or a failed check; 2 after wrong use (a usage line);
    /// 130 where it was stopped.
    int run(int argc, const char* const* argv, const std::function<void()>& chapter);

    const lesson::Options& options() const { return options_; }
    bool quick() const { return options_.quick; }
    uint64_t seed() const { return options_.seed; }
    /// Training steps to run: --steps where given, else `quick` or `full`.
    int steps(int full, int quick) const { return options_.steps > 0 ? options_.steps : options_.quick ? quick : full; }

    /// `book` is the book's section. In --step the stepper stands here.
    void section(const std::string& title, const std::string& book = "");
    /// Paragraphs and "- " lists (marked), separated by blank lines.
    void text(const std::string& marked);
    /// `plain` is for terminals; without it, TeX's own characters are used.
    void equation(const std::string& tex, const std::string& plain = "");
    void table(const lesson::Table& table);
    void show(const std::string& name, const Tensor& value);
    void show(const std::string& name, const Ids& value);
    void show(const std::string& name, const Var& value) { show(name, value.value()); }
    /// Lines in columns, of which the first is told beside the name: a table made elsewhere.
    void show(const std::string& name, const std::string& lines);
    void plot(const lesson::Plot& plot);
    void heatmap(const lesson::Heatmap& map);
    void tree(const lesson::Tree& tree);
    void shaded(const lesson::ShadedText& text);
    void map(const lesson::WordMap& map);
    void looks(const lesson::Looks& looks);
    void clip(const lesson::Clip& clip);
    /// A gradient check as a table, one row an input, and the check that it passed.
    void gradcheck(const std::string& caption, const GradCheck& result);
    /// A fact this run verifies (marked): one that does not hold makes the exit status 1. The second form holds where
    /// |value| <= bound.
    void check(const std::string& statement, bool holds);
    void check(const std::string& statement, double value, double bound);
    /// Text that was generated or read, shown as it is.
    void sample(const std::string& title, const std::string& text);
    /// A measured figure: prints `result NAME VALUE` and goes to results.json.
    void result(const std::string& name, double value);

    /// Steps through what the tape has recorded from record `first` on; the page shows at most `most` stops. Values
    /// that no record has saved are shown where tape.keep_values() came before recording.
    void forward(const std::string& title, const Tape& tape, int first = 0, int most = 40);
    /// tape.backward(loss), stepped through record by record.
    void backward(const std::string& title, Tape& tape, const Var& loss, int most = 40, Where at = {});

  private:
    template <class Tell>
    void tell(const Tell& tell) {
        for (auto& sink : sinks_) tell(*sink);
    }
    void figure_file(const std::string& title, const std::string& svg);
    void finish(double seconds);
    void show_stops(const std::string& title, const std::vector<lesson::Stop>& stops, int left_out);

    About about_;
    lesson::Options options_;
    lesson::CommandLine line_;
    std::vector<std::unique_ptr<lesson::Sink>> sinks_;
    lesson::Page* page_ = nullptr;  // one of the sinks
    lesson::Stepper stepper_{false};
    int checks_ = 0;
    std::vector<std::string> failed_;
    std::vector<std::pair<std::string, double>> results_;
};

}  // namespace unroll
