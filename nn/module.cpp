#include "nn/module.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace unroll {
namespace {

class Collector final : public Visitor {
  public:
    explicit Collector(Where at) : at_(at) {}
    std::vector<Parameter> found;

  protected:
    void parameter(const std::string& name, Parameter& p) override {
        if (!p.value.defined()) fail("parameters", at_, "the parameter {} has no value", name);
        if (!names_.insert(name).second) fail("parameters", at_, "the name {} comes twice", name);
        const auto same = [&](const Parameter& other) { return other.value.same_storage(p.value); };
        const auto tied = std::find_if(found.begin(), found.end(), same);
        p.name = tied == found.end() ? name : tied->name;
        if (tied == found.end()) found.push_back(p);
    }

  private:
    Where at_;
    std::set<std::string> names_;
};

class Converter final : public Visitor {
  public:
    explicit Converter(DType dtype) : dtype_(dtype) {}

  protected:
    void parameter(const std::string&, Parameter& p) override {
        const Tensor old = p.value;
        for (const auto& [from, to] : converted_)
            if (from.same_storage(old)) {  // tied weights stay tied
                p.value = to;
                return;
            }
        p = Parameter(p.name, old.to(dtype_));
        converted_.emplace_back(old, p.value);
    }
    void buffer(const std::string&, Tensor& t) override { t = t.to(dtype_); }

  private:
    DType dtype_;
    std::vector<std::pair<Tensor, Tensor>> converted_;
};

class Buffers final : public Visitor {
  public:
    std::vector<std::pair<std::string, Tensor>> found;

  protected:
    void parameter(const std::string&, Parameter&) override {}
    void buffer(const std::string& name, Tensor& t) override { found.emplace_back(name, t); }
};

}  // namespace

void Visitor::operator()(std::string_view name, Parameter& p) { parameter(prefix_ + std::string(name), p); }

void Visitor::operator()(std::string_view name, Module& module) {
    const size_t outside = prefix_.size();
    prefix_.append(name).append(".");
    this->module(prefix_, module);
    prefix_.resize(outside);
}

void Visitor::operator()(std::string_view name, Tensor& buffer) { this->buffer(prefix_ + std::string(name), buffer); }

void Visitor::module(const std::string&, Module& module) { module.visit(*this); }

void Module::to(DType dtype) {
    Converter convert(dtype);
    visit(convert);
}

std::vector<Parameter> parameters(Module& module, Where at) {
    Collector collect(at);
    module.visit(collect);
    return std::move(collect.found);
}

std::vector<std::pair<std::string, Tensor>> buffers(Module& module) {
    Buffers collect;
    module.visit(collect);
    return std::move(collect.found);
}

int64_t parameter_count(Module& module) {
    int64_t count = 0;
    for (const Parameter& p : parameters(module)) count += p.value.size();
    return count;
}

std::string parameter_table(Module& module) {
    std::vector<std::array<std::string, 3>> rows;
    int64_t total = 0;
    for (const Parameter& p : parameters(module)) {
        rows.push_back({p.name, p.value.shape().str(), std::to_string(p.value.size())});
        total += p.value.size();
    }
    rows.push_back({"total", "", std::to_string(total)});
    size_t width[3] = {};
    for (const auto& row : rows)
        for (size_t i = 0; i < 3; i++) width[i] = std::max(width[i], row[i].size());
    std::string table;
    for (const auto& row : rows)
        table += fmt::format("{:<{}}  {:<{}}  {:>{}}\n", row[0], width[0], row[1], width[1], row[2], width[2]);
    return table;
}

}  // namespace unroll
