#include "tutorials/lesson/lesson.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <new>

#include "core/backprop.hpp"
#include "core/kernels/parallel.hpp"
#include "core/print.hpp"
#include "tutorials/lesson/door.hpp"
#include "tutorials/lesson/looks.hpp"
#include "tutorials/lesson/page.hpp"
#include "tutorials/lesson/results.hpp"
#include "tutorials/lesson/svg.hpp"
#include "tutorials/lesson/terminal.hpp"
#include "tutorials/lesson/tex.hpp"
#include "tutorials/lesson/text.hpp"
#include "tutorials/lesson/tree.hpp"
#include "tutorials/lesson/web_libs.hpp"
#include "tutorials/lesson/words.hpp"

namespace unroll {

using namespace lesson;

Lesson::Lesson(About about) : about_(std::move(about)), line_(about_.number + " " + about_.title, options_) {}

Lesson::~Lesson() = default;

int Lesson::run(int argc, const char* const* argv, const std::function<void()>& chapter) {
    if (auto status = line_.parse(argc, argv)) return *status;
    double begin = door::seconds();
    auto failed = [](const std::string& why) {
        std::string line = clean(why);
        std::replace(line.begin(), line.end(), '\n', ' ');
        door::write_error("error: " + line + "\n");
        return 1;
    };
    try {
        if (options_.threads > 0) kernels::set_threads(options_.threads);
        stepper_ = Stepper(options_.step);
        auto page = std::make_unique<Page>(about_.number, about_.title, web_libs_folder());
        page_ = page.get();
        sinks_.push_back(std::make_unique<Terminal>(door::terminal_width(), door::colours()));
        sinks_.push_back(std::move(page));
        if (options_.page.empty()) options_.page = door::build_folder() + "/pages/" + about_.number + ".html";
        door::prepare_file(options_.page);
        if (!options_.results.empty()) door::prepare_file(options_.results);
        door::write(fmt::format("Chapter {}: {}\n", about_.number, about_.title));
        chapter();
        finish(door::seconds() - begin);
    } catch (const Stepper::Quit&) {
        door::write("stopped before the end: no page written\n");
        return 0;
    } catch (const Stopped& stopped) {
        door::write(stopped.how + "\n");
        return 130;
    } catch (const std::bad_alloc&) {
        return failed("not enough memory");
    } catch (const std::exception& error) {
        return failed(error.what());
    }
    return failed_.empty() ? 0 : 1;
}

void Lesson::finish(double seconds) {
    door::replace_file(options_.page, page_->document(run_facts(options_, seconds)));
    if (!options_.results.empty())
        door::replace_file(options_.results, results_json(about_.number, about_.title, options_, seconds, results_));
    if (checks_ > 0 && failed_.empty()) door::write(fmt::format("All {} checks hold.\n", checks_));
    for (const std::string& statement : failed_) door::write("check FAILED: " + plain(statement) + "\n");
    door::write(options_.page + "\n");
}

void Lesson::section(const std::string& title, const std::string& book) {
    tell([&](Sink& sink) { sink.section({title, book}); });
    stepper_.section(title);
}

void Lesson::text(const std::string& marked) {
    tell([&](Sink& sink) { sink.text(marked); });
}

void Lesson::equation(const std::string& tex, const std::string& plain) {
    std::string shown = plain.empty() ? plain_tex(tex) : plain;
    tell([&](Sink& sink) { sink.equation(tex, shown); });
}

void Lesson::table(const Table& table) {
    tell([&](Sink& sink) { sink.table(table); });
}

void Lesson::show(const std::string& name, const Tensor& value) {
    tell([&](Sink& sink) { sink.value(name, value_lines(value)); });
}

void Lesson::show(const std::string& name, const Ids& value) {
    tell([&](Sink& sink) { sink.value(name, split(to_string(value), "\n")); });
}

void Lesson::show(const std::string& name, const std::string& lines) {
    tell([&](Sink& sink) { sink.value(name, split(lines, "\n")); });
}

void Lesson::plot(const Plot& plot) {
    tell([&](Sink& sink) { sink.plot(plot); });
    if (!options_.figures.empty()) figure_file(plot.title, plot_svg(plot));
}

void Lesson::heatmap(const Heatmap& map) {
    tell([&](Sink& sink) { sink.heatmap(map); });
    if (!options_.figures.empty()) figure_file(map.title, heatmap_svg(map));
}

void Lesson::tree(const Tree& tree) {
    tell([&](Sink& sink) { sink.tree(tree); });
    if (!options_.figures.empty()) figure_file(tree.title, tree_svg(tree));
}

void Lesson::shaded(const ShadedText& text) {
    tell([&](Sink& sink) { sink.shaded(text); });
}

void Lesson::clip(const Clip& clip) {
    tell([&](Sink& sink) { sink.clip(clip); });
}

void Lesson::map(const WordMap& map) {
    tell([&](Sink& sink) { sink.map(map); });
    if (!options_.figures.empty()) figure_file(map.title, map_svg(map));
}

void Lesson::looks(const Looks& looks) {
    tell([&](Sink& sink) { sink.looks(looks); });
    if (!options_.figures.empty()) figure_file(looks.title, looks_svg(looks));
}

// DIR/01-the-figures-title.svg
void Lesson::figure_file(const std::string& title, const std::string& svg) {
    std::string name = about_.number + "-";
    for (char c : title) {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0)
            name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        else if (name.back() != '-')
            name += '-';
    }
    door::replace_file(options_.figures + "/" + name + ".svg", standalone(svg));
}

void Lesson::check(const std::string& statement, bool holds) {
    checks_++;
    if (!holds) failed_.push_back(statement);
    tell([&](Sink& sink) { sink.check({statement, holds}); });
}

void Lesson::check(const std::string& statement, double value, double bound) {
    checks_++;
    bool holds = std::abs(value) <= bound;  // false for NaN
    if (!holds) failed_.push_back(statement);
    std::string detail = fmt::format("{:.3g}, {} {:.3g}", value, holds ? "at most" : "more than", bound);
    if (std::isnan(value)) detail = fmt::format("NaN, not at most {:.3g}", bound);
    tell([&](Sink& sink) { sink.check({statement, holds, detail}); });
}

void Lesson::sample(const std::string& title, const std::string& text) {
    tell([&](Sink& sink) { sink.sample(title, text); });
}

void Lesson::result(const std::string& name, double value) {
    results_.emplace_back(name, value);
    tell([&](Sink& sink) { sink.result(name, value); });
}

}  // namespace unroll
