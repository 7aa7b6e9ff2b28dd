#include "tutorials/lesson/stepper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "tutorials/lesson/door.hpp"
#include "tutorials/lesson/text.hpp"

namespace unroll::lesson {
namespace {

constexpr size_t most_kept = 2000;

constexpr const char* help =
    "  n or Enter  next stop            b  back to the stop before\n"
    "  t N         to time step N       s  next section\n"
    "  p NAME      print a value        g NAME  print its gradient so far\n"
    "  c           run on to the end    q  quit    ?  this list\n";

void print_lines(const std::string& heading, const std::vector<std::string>& lines) {
    std::string out = heading + "\n";
    for (const std::string& line : lines) out += "  " + line + "\n";
    door::write(out);
}

}  // namespace

void Stepper::section(const std::string& title) {
    if (mode_ == Mode::off) return;
    mode_ = Mode::each;
    history_.push_back({{.title = "section: " + plain(title), .lines = {}}, -1, {}});
    ask({});
}

void Stepper::stand(const Stop& stop, int step, std::vector<Value> values, const std::vector<int>& ahead) {
    if (mode_ == Mode::off || mode_ == Mode::to_section) return;
    if (history_.size() == most_kept) history_.erase(history_.begin());
    history_.push_back({stop, step, std::move(values)});
    if (mode_ == Mode::to_step && step != goal_) return;
    mode_ = Mode::each;
    show(history_.back());
    ask(ahead);
}

void Stepper::show(const Kept& kept) const { print_lines("▸ " + clean(kept.stop.title), kept.stop.lines); }

void Stepper::print(const std::string& name, bool gradient, const Kept& kept) const {
    auto named = [&](const Value& v) { return v.name == name; };
    auto it = std::find_if(kept.values.rbegin(), kept.values.rend(), named);  // a name given again: the latest
    if (it == kept.values.rend()) {
        std::string known;
        for (const Value& v : kept.values) known += (known.empty() ? "" : ", ") + v.name;
        return door::write(
            fmt::format("no value named \"{}\" here; there are: {}\n", clean(name), known.empty() ? "none" : known));
    }
    const Tensor& shown = gradient ? it->gradient : it->value;
    if (!shown.defined())
        return door::write(gradient ? "no gradient has reached " + name + " yet\n"
                                    : name + " was not kept: tape.keep_values() keeps every value\n");
    print_lines((gradient ? "dL/d" : "") + name, value_lines(shown));
}

void Stepper::go_to_step(const std::string& argument, const std::vector<int>& ahead, size_t& at) {
    char* end = nullptr;
    long step = std::strtol(argument.c_str(), &end, 10);
    if (argument.empty() || *end != 0) return door::write("t takes a time step: t 3\n");
    goal_ = static_cast<int>(step);
    if (std::find(ahead.begin(), ahead.end(), goal_) != ahead.end()) {
        mode_ = Mode::to_step;
        return;
    }
    for (size_t i = history_.size(); i-- > 0;)
        if (history_[i].step == goal_) {
            at = i;
            return show(history_[i]);
        }
    door::write(fmt::format("no stop at time step {} here\n", clean(argument)));
}

// `at` is the stop shown: the last one, or one before it after "b".
void Stepper::ask(const std::vector<int>& ahead) {
    size_t last = history_.size() - 1, at = last;
    for (;;) {
        if (door::output_is_terminal())
            door::write(at == last ? "step (? for the keys) > " : fmt::format("{} back > ", last - at));
        auto command = door::read_command();
        if (!command || *command == "c") {
            mode_ = Mode::off;
            return;
        }
        std::string key = command->substr(0, 1), argument = command->size() > 1 ? command->substr(1) : "";
        size_t begin = argument.find_first_not_of(" \t"), end = argument.find_last_not_of(" \t\r");
        argument = begin == argument.npos ? "" : argument.substr(begin, end - begin + 1);
        if (key.empty() || key == "\r" || key == "n") {
            if (at == last) return;
            show(history_[++at]);
        } else if (key == "b") {
            if (at == 0)
                door::write("this is the first stop\n");
            else
                show(history_[--at]);
        } else if (key == "t") {
            go_to_step(argument, ahead, at);
            if (mode_ == Mode::to_step) return;
        } else if (key == "p" || key == "g") {
            print(argument, key == "g", history_[at]);
        } else if (key == "s") {
            mode_ = Mode::to_section;
            return;
        } else if (key == "q") {
            throw Quit{};
        } else {
            door::write(key == "?" ? help : fmt::format("\"{}\" is no key\n{}", clean(key), help));
        }
    }
}

}  // namespace unroll::lesson
