#pragma once
#include <string>
#include <vector>

#include "tutorials/lesson/elements.hpp"

namespace unroll::lesson {

/// Stands at stops and takes keys (`--step`): next, back, to time step t, print a name, print its gradient, to the next
/// section, run on, quit. Keeps what each stop showed and the values it had, so that going back shows them as they
/// were. Knows neither tapes nor sections: others say where to stand.
class Stepper {
  public:
    /// Thrown by the key q.
    struct Quit {};
    /// A value that can be asked for by name at a stop; a gradient that has not come yet is not defined().
    struct Value {
        std::string name;
        Tensor value = {}, gradient = {};
    };

    explicit Stepper(bool interactive) : mode_(interactive ? Mode::each : Mode::off) {}

    /// Whether anybody still steps: values need not be gathered otherwise.
    bool stepping() const { return mode_ != Mode::off; }

    /// The beginning of a section.
    void section(const std::string& title);
    /// A stop of time step `step` (-1: of none). `ahead` are the time steps of the stops that follow in this pass.
    void stand(const Stop& stop, int step, std::vector<Value> values, const std::vector<int>& ahead);

  private:
    enum class Mode { each, to_step, to_section, off };
    struct Kept {
        Stop stop;
        int step;
        std::vector<Value> values;
    };
    void ask(const std::vector<int>& ahead);
    void show(const Kept& kept) const;
    void go_to_step(const std::string& argument, const std::vector<int>& ahead, size_t& at);
    void print(const std::string& name, bool gradient, const Kept& kept) const;

    Mode mode_;
    int goal_ = -1;  // of Mode::to_step
    std::vector<Kept> history_;
};

}  // namespace unroll::lesson
