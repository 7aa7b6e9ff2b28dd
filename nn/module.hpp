#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/var.hpp"

namespace unroll {

class Visitor;

/// Something with parameters: a cell, a layer, a model. A copy is the same module as far as training goes: it shares
/// the parameters' storage, as copies of a Parameter do.
class Module {
  public:
    virtual ~Module() = default;
    /// Lists what the module consists of, each under its name here and always in the same order: `v("W", W);` for a
    /// Parameter, `v("layer0", layer0);` for a module inside, `v("running_mean", running_mean);` for a Tensor that
    /// belongs to the weights but is not trained.
    virtual void visit(Visitor& v) = 0;
    /// One line: "Linear(in=128, out=65)".
    virtual std::string pretty() const = 0;
    /// Turns all parameters into this type. They are new tensors then (where the type changes), so do it before an
    /// optimiser is made for them.
    void to(DType dtype);
};

/// Walks over all parameters of a module and of the modules inside it.
class Visitor {
  public:
    virtual ~Visitor() = default;
    void operator()(std::string_view name, Parameter& p);
    void operator()(std::string_view name, Module& module);
    void operator()(std::string_view name, Tensor& buffer);

  protected:
    /// name is the dotted one: "encoder.layer0.W_hh".
    virtual void parameter(const std::string& name, Parameter& p) = 0;
    virtual void buffer(const std::string&, Tensor&) {}
    /// A module inside, "encoder.layer0."; those who don't know it better walk on into it.
    virtual void module(const std::string& prefix, Module& module);

  private:
    std::string prefix_;
};

/// All parameters by their dotted names, in the order of visit; one that is in two places (tied weights) comes once,
/// under its first name. The module's own parameters get these names too, so errors and tapes show them. Throws Error
/// where a name comes twice or a parameter has no value.
std::vector<Parameter> parameters(Module& module, Where at = {});

/// All tensors that belong to the weights but are not trained, by their dotted names. They share the module's storage.
std::vector<std::pair<std::string, Tensor>> buffers(Module& module);

/// How many numbers the parameters are in all.
int64_t parameter_count(Module& module);

/// One line a parameter, `name shape count`, aligned, and the total.
std::string parameter_table(Module& module);

}  // namespace unroll
