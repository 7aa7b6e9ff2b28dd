#include "tests/conformance/case.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/ops/elementwise.hpp"
#include "core/ops/reductions.hpp"

namespace unroll::conformance {
namespace {

double parse(const std::string& setting, const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != 0) throw Error(fmt::format("the setting {} is {}, expected a number", setting, text));
    return value;
}

/// max|got - expected| / max|expected|, or max|got| where all expected are zero. NaN stays NaN.
double error_of(const Tensor& got, const Tensor& expected) {
    double difference = 0, largest = 0;
    for (int64_t i = 0; i < expected.size(); i++) {
        const double d = std::abs(got.flat(i) - expected.flat(i));
        if (!(d <= difference)) difference = d;
        if (std::isnan(difference)) return difference;
        largest = std::max(largest, std::abs(expected.flat(i)));
    }
    return largest == 0 ? difference : difference / std::max(largest, 1e-300);
}

}  // namespace

double Case::number(const std::string& setting) const { return parse(setting, file_.setting(setting)); }

double Case::number(const std::string& setting, double otherwise) const {
    return has_setting(setting) ? number(setting) : otherwise;
}

int64_t Case::whole(const std::string& setting, int64_t otherwise) const {
    const double value = number(setting, static_cast<double>(otherwise));
    if (value != std::floor(value) || std::abs(value) > 1e15)
        throw Error(fmt::format("the setting {} is {}, expected a whole number", setting, file_.setting(setting)));
    return static_cast<int64_t>(value);
}

bool Case::truth(const std::string& setting, bool otherwise) const {
    if (!has_setting(setting)) return otherwise;
    const std::string& text = file_.setting(setting);
    if (text == "True" || text == "1") return true;
    if (text == "False" || text == "0") return false;
    throw Error(fmt::format("the setting {} is {}, expected True or False", setting, text));
}

std::vector<double> Case::tuple(const std::string& setting, const std::vector<double>& otherwise) const {
    if (!has_setting(setting)) return otherwise;
    std::string text = file_.setting(setting);
    if (text.size() < 2 || text.front() != '(' || text.back() != ')')
        throw Error(fmt::format("the setting {} is {}, expected a tuple", setting, text));
    text = text.substr(1, text.size() - 2) + ",";
    std::vector<double> values;
    for (size_t begin = 0, comma; (comma = text.find(',', begin)) != std::string::npos; begin = comma + 1)
        if (comma > begin) values.push_back(parse(setting, text.substr(begin, comma - begin)));
    if (values.size() != otherwise.size())
        throw Error(
            fmt::format("the setting {} has {} numbers, expected {}", setting, values.size(), otherwise.size()));
    return values;
}

Var Case::input(const std::string& name) {
    inputs_.emplace_back(name, tape.input(tensor("in." + name)));
    return inputs_.back().second;
}

Parameter Case::parameter(const std::string& name) {
    parameters_.emplace_back(name, Parameter(name, tensor("param." + name)));
    return parameters_.back().second;
}

void Case::output(const std::string& name, const Var& y) {
    give("out." + name, y.value());
    outputs_.emplace_back(name, y);
}

bool Case::backward() {
    Var L;
    for (const auto& [name, y] : outputs_) {
        if (!has("cotangent." + name)) continue;
        const Var term = sum(y * tensor("cotangent." + name));
        L = L.tape() == nullptr ? term : L + term;
    }
    if (L.tape() == nullptr) return false;
    tape.backward(L);
    for (const auto& [name, x] : inputs_) give("grad.in." + name, tape.grad(x));
    for (const auto& [name, p] : parameters_) give("grad.param." + name, tape.grad(p));
    return true;
}

std::pair<bool, std::string> Case::verdict(const std::string& path) const {
    const std::string kind = word("kind");
    double worst = 0, worst_excess = 1;
    int compared = 0;
    std::string failed;
    for (const auto& [name, value] : file_.tensors) {
        const bool is_output = name.compare(0, 4, "out.") == 0;
        if (!is_output && name.compare(0, 5, "grad.") != 0) continue;
        const Tensor& expected = file_.tensor(name);
        const auto got = given_.find(name);
        if (got == given_.end()) return {false, fmt::format("FAIL {} {} {} was not computed", path, kind, name)};
        if (!(got->second.shape() == expected.shape()))
            return {false, fmt::format("FAIL {} {} {} is {}, expected {}", path, kind, name, got->second.shape().str(),
                                       expected.shape().str())};
        const double error = error_of(got->second, expected);
        const double tolerance = dtype == DType::f32 ? 1e-4 : is_output ? 1e-10 : 1e-9;
        const double excess = std::isnan(error) ? INFINITY : error / tolerance;
        compared++;
        worst = std::max(worst, error);
        if (excess <= worst_excess) continue;
        worst_excess = excess;
        failed = fmt::format("{} rel_err={:.3g}", name, error);
    }
    if (compared == 0) return {false, fmt::format("FAIL {} {} holds nothing to compare", path, kind)};
    if (!failed.empty()) return {false, fmt::format("FAIL {} {} {}", path, kind, failed)};
    return {true, fmt::format("PASS {} {} max_rel_err={:.3g}", path, kind, worst)};
}

}  // namespace unroll::conformance
