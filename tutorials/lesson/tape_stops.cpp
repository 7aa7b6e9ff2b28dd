#include "tutorials/lesson/tape_stops.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tutorials/lesson/text.hpp"

namespace unroll::lesson {
namespace {

// "h_1", or "#12" for a value without a name.
std::string name_of(const Tape& tape, int slot) {
    const char* name = slot >= 0 ? tape.name_of(slot) : "";
    return *name != 0 ? clean(name) : slot >= 0 ? fmt::format("#{}", slot) : "a constant";
}

std::string heading(const char* direction, const Record& record, int i, const std::string& what) {
    std::string step = record.step >= 0 ? fmt::format(", t={}", record.step) : "";
    return fmt::format("{} {}{}: {}", direction, i, step, what);
}

void add_tensor(Stop& stop, const std::string& name, const Tensor& value) {
    auto lines = value_lines(value);
    stop.lines.push_back(name + " " + lines[0]);
    for (size_t k = 1; k < lines.size(); k++) stop.lines.push_back("    " + lines[k]);
}

decltype(Symbols::items) symbols_of(const Record& record) {
    Symbols symbols;
    record.symbols(symbols);
    return symbols.items;
}

const Tensor* value_of(const Tape& tape, const Symbols::Item& item) {
    return item.saved != nullptr && item.saved->defined() ? item.saved
           : item.slot >= 0                               ? tape.value_of(item.slot)
                                                          : nullptr;
}

}  // namespace

Stop forward_stop(const Tape& tape, int i) {
    const Record& record = tape.record(i);
    Stop stop{.title = heading("record", record, i, record.equation()),
              .lines = {fmt::format("{}", to_string(record.where))}};
    for (const Symbols::Item& item : symbols_of(record)) {
        std::string name = fmt::format("{} is {}", item.name, name_of(tape, item.slot));
        if (const Tensor* value = value_of(tape, item))
            add_tensor(stop, name, *value);
        else
            stop.lines.push_back(name);
    }
    return stop;
}

Stop backward_stop(const Tape& tape, const Backprop& bp) {
    const Record& record = bp.record();
    Stop stop{.title = heading("backward", record, bp.index(), record.gradient()),
              .lines = {fmt::format("of {}   {}", record.equation(), to_string(record.where))}};
    auto items = symbols_of(record);
    for (const Symbols::Item& item : items)
        if (const Tensor* dy = item.output ? tape.gradient(Edge{item.slot}) : nullptr)
            add_tensor(stop, fmt::format("d{} is dL/d{}", item.name, name_of(tape, item.slot)), *dy);
    for (const Contribution& c : bp.contributions()) {
        auto symbol = std::find_if(items.begin(), items.end(),
                                   [&](const auto& item) { return item.slot == c.slot && !item.output; });
        std::string label = symbol != items.end() ? fmt::format("d{}: ", symbol->name) : "";
        add_tensor(stop, fmt::format("{}dL/d{} +=", label, name_of(tape, c.slot)), c.value);
        if (symbol != items.end()) symbol->slot = -1;  // of one value twice, s ⊙ s, the other operand is next
    }
    return stop;
}

std::vector<Stepper::Value> named_values(const Tape& tape, int slots) {
    std::vector<Stepper::Value> values;
    for (int slot = 0; slot < slots; slot++) {
        if (*tape.name_of(slot) == 0) continue;
        Stepper::Value v{.name = clean(tape.name_of(slot))};
        if (const Tensor* value = tape.value_of(slot)) v.value = *value;
        if (const Tensor* gradient = tape.gradient(Edge{slot})) v.gradient = *gradient;
        values.push_back(std::move(v));
    }
    return values;
}

}  // namespace unroll::lesson
