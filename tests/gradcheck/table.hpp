#pragma once
#include <set>
#include <string>
#include <vector>

#include "core/gradcheck.hpp"

namespace unroll {

/// What random_input takes.
struct Input {
    const char* name;
    Shape shape;
    double mean = 0, std = 1;
};

/// What build/tests/gradcheck prints: a row a check. A file of rows is a function below, called by main.
class Table {
  public:
    /// A heading; the rows that follow belong to it.
    void section(const std::string& title);
    /// f gives the outputs for the inputs, which are drawn and watched.
    void check(const std::string& name, const std::vector<Input>& inputs,
               const std::function<std::vector<Var>(const std::vector<Var>&)>& f, const GradCheckOptions& options = {});
    /// The same for parameters that something else owns: f enters what it uses itself.
    void check_owned(const std::string& name, const std::vector<Parameter>& inputs,
                     const std::function<std::vector<Var>(Tape&)>& f, const GradCheckOptions& options = {});
    /// Fails for every record type of the sources (folders below `root`) that no row recorded.
    void check_complete(const std::string& root, const std::vector<std::string>& folders);
    /// The last line; the exit status.
    int finish() const;

  private:
    std::set<std::string> recorded_;  // types, "unroll::ops::Tanh"
    int rows_ = 0, failures_ = 0;
    int64_t entries_ = 0;
};

void add_ops(Table& table);
void add_attention(Table& table);
void add_bptt(Table& table);
void add_convolution(Table& table);
void add_layers(Table& table);

}  // namespace unroll
