#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/safetensors.hpp"
#include "core/tape.hpp"

namespace unroll::conformance {

/// One case: what a file gives, and what the project's own classes made of it. A file of tests/conformance holds one
/// family of kinds, a function each, `void KIND(Case&)`, known to main.
class Case {
  public:
    /// All floating-point numbers are turned into dtype. Composed: recurrent layers step by step.
    Case(SafeTensors file, DType dtype, bool composed) : dtype(dtype), composed(composed), file_(std::move(file)) {}

    const DType dtype;
    const bool composed;
    Tape tape;

    /// Settings as Python's str writes them; the second form where the setting may be absent.
    std::string word(const std::string& setting) const { return file_.setting(setting); }
    double number(const std::string& setting) const;
    double number(const std::string& setting, double otherwise) const;
    int64_t whole(const std::string& setting, int64_t otherwise) const;
    bool truth(const std::string& setting, bool otherwise) const;
    std::vector<double> tuple(const std::string& setting, const std::vector<double>& otherwise) const;
    bool has_setting(const std::string& setting) const { return file_.metadata.count(setting) != 0; }

    /// Whether the file has this tensor; a missing one that is asked for is an Error that names it.
    const SafeTensors& file() const { return file_; }
    bool has(const std::string& name) const { return file_.has(name); }
    Tensor tensor(const std::string& name) const { return file_.tensor(name).to(dtype).clone(); }
    Ids ids(const std::string& name) const { return file_.ids(name); }

    /// "in.NAME" on the tape, with "grad.in.NAME" as its gradient.
    Var input(const std::string& name);
    /// "param.NAME", with "grad.param.NAME" as its gradient.
    Parameter parameter(const std::string& name);
    /// What the project computed for a tensor of the file, "out.p3".
    void give(const std::string& name, const Tensor& value) { given_[name] = value.clone(); }
    /// "out.NAME", where the cotangent enters.
    void output(const std::string& name, const Var& y);
    /// The gradients of L = Σ out ⊙ cotangent, to the inputs and parameters above; after all outputs. False where the
    /// file has no cotangents.
    bool backward();

    /// "PASS FILE kind max_rel_err=…", or "FAIL FILE kind NAME rel_err=…" with the worst of those that fail.
    std::pair<bool, std::string> verdict(const std::string& path) const;

  private:
    SafeTensors file_;
    std::vector<std::pair<std::string, Var>> inputs_, outputs_;
    std::vector<std::pair<std::string, Parameter>> parameters_;
    std::map<std::string, Tensor> given_;
};

// attention.cpp, convolution.cpp, lookup.cpp, losses.cpp, recurrent.cpp, training.cpp
void attention(Case& c);
void layer_norm(Case& c);
void spatial_attention(Case& c);
void conv2d(Case& c);
void max_pool2d(Case& c);
void embedding(Case& c);
void cross_entropy(Case& c);
void ctc(Case& c);
void rnn(Case& c);
void lstm(Case& c);
void gru(Case& c);
void textbook_rnn(Case& c);
void textbook_lstm(Case& c);
void textbook_coupled_lstm(Case& c);
void textbook_peephole_lstm(Case& c);
void textbook_gru(Case& c);
void clip_grad_norm(Case& c);
void optimizer(Case& c);

}  // namespace unroll::conformance
