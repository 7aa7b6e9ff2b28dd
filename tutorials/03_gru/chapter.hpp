#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nn/recurrent.hpp"
#include "tutorials/lesson/lesson.hpp"
#include "tutorials/lesson/spread.hpp"
#include "tutorials/tasks/adding.hpp"

// The parts of chapter 03, in the order they are told.
namespace unroll {

using lesson::mean_of, lesson::spread;

void tell_gates(Lesson& lesson);     // one step, the sequence, what the gates do
void tell_variants(Lesson& lesson);  // reset before or after the matrix; which way z points
void tell_bptt(Lesson& lesson);      // by hand = tape = numeric, for both variants

/// One of the cells that are compared, and what was measured of it.
struct Contestant {
    std::string name, key;  // "GRU, reset after", "gru_after"
    /// A layer of D inputs; H is what it gets, but for the GRU that may have as many parameters as an LSTM of H.
    std::function<std::shared_ptr<RecurrentLayer>(int64_t D, int64_t H, Generator& gen)> make;
    std::vector<tasks::AddingRun> adding = {};     // a run each seed
    std::shared_ptr<RecurrentLayer> trained = {};  // on the adding problem, by the first seed
    std::vector<double> austen = {};               // nats a character on validation, for each seed
    double left = 0;                               // of a gradient over the whole sequence, trained (tell_memory)
    double parameters = 0, milliseconds = 0;       // of the layer at the size of the language model; a training step
};

struct Comparison {
    std::string data = UNROLL_ROOT "/data";  // where the data sets are
    int seeds = 3;                           // trainings of each contestant
    std::vector<Contestant> contestants;
};
std::vector<Contestant> contestants();

void tell_adding(Lesson& lesson, Comparison& comparison);  // a task that is nothing but memory
void tell_memory(Lesson& lesson, Comparison& comparison);  // "short-term": the gradient over time steps
void tell_austen(Lesson& lesson, Comparison& comparison);  // a language model, small budget
void tell_table(Lesson& lesson, Comparison& comparison);   // parameters, time, and the book's table

}  // namespace unroll
