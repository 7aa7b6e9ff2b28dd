// Lesson's gradient check, and its forward and backward: a tape stepped through, record by record.
#include <fmt/format.h>

#include "core/backprop.hpp"
#include "tutorials/lesson/lesson.hpp"
#include "tutorials/lesson/page.hpp"
#include "tutorials/lesson/tape_stops.hpp"

namespace unroll {

using namespace lesson;

void Lesson::gradcheck(const std::string& caption, const GradCheck& result) {
    table(gradcheck_table(caption + " (from a drawn gradient of the outputs in place of 1)", result));
    check("largest relative error of the gradients", result.error, result.tolerance);
}

void Lesson::forward(const std::string& title, const Tape& tape, int first, int most) {
    std::vector<Stop> stops;
    std::vector<int> ahead;
    for (int i = tape.size() - 1; i >= first; i--) ahead.push_back(tape.record(i).step);  // the last are the next
    for (int i = first; i < tape.size() && (stepper_.stepping() || static_cast<int>(stops.size()) < most); i++) {
        Stop stop = forward_stop(tape, i);
        ahead.pop_back();
        const Record& record = tape.record(i);
        if (stepper_.stepping())  // nothing later than this record is known yet
            stepper_.stand(stop, record.step, named_values(tape, record.first_output + record.outputs), ahead);
        if (static_cast<int>(stops.size()) < most) stops.push_back(std::move(stop));
    }
    show_stops(title, stops, tape.size() - first - static_cast<int>(stops.size()));
}

void Lesson::backward(const std::string& title, Tape& tape, const Var& loss, int most, Where at) {
    std::vector<Stop> stops;
    int run = 0;
    Backprop bp(tape, loss, {.observe = true}, at);
    for (; bp.step(); run++) {
        bool keep = run < most;
        if (!keep && !stepper_.stepping()) continue;
        Stop stop = backward_stop(tape, bp);
        if (stepper_.stepping()) {
            std::vector<int> ahead;
            for (int i = 0; i < bp.index(); i++) ahead.push_back(tape.record(i).step);
            stepper_.stand(stop, bp.record().step, named_values(tape, tape.slots()), ahead);
        }
        if (keep) stops.push_back(std::move(stop));
    }
    show_stops(title, stops, run - static_cast<int>(stops.size()));
}

void Lesson::show_stops(const std::string& title, const std::vector<Stop>& stops, int left_out) {
    if (options_.step)
        page_->stops(title, stops);  // on the terminal the stepper has shown them
    else
        tell([&](Sink& sink) { sink.stops(title, stops); });
    if (left_out > 0) text(fmt::format("({} more records; `--step` shows them all.)", left_out));
}

}  // namespace unroll
