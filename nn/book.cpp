#include "nn/book.hpp"

#include <vector>

#include "core/ops/shape.hpp"

namespace unroll {
namespace {

/// The weights of one call: what is asked for must be there, and all that is there must have been asked for.
class Taken {
  public:
    Taken(const char* operation, const Weights& weights, Where at) : operation_(operation), left_(weights), at_(at) {}

    bool has(const std::string& name) const { return left_.count(name) != 0; }
    Tensor take(const std::string& name) {
        const auto found = left_.find(name);
        if (found == left_.end()) fail(operation_, at_, name + " is missing");
        const Tensor t = found->second;
        left_.erase(found);
        return t;
    }
    Tensor take(const std::string& name, const Shape& expected) {
        const Tensor t = take(name);
        if (!(t.shape() == expected)) differ(name, t, expected.str());
        return t;
    }
    [[noreturn]] void differ(const std::string& name, const Tensor& t, const std::string& expected) const {
        fail(operation_, at_, "{} is {}, expected {}", name, t.shape().str(), expected);
    }
    void nothing_left() const {
        if (!left_.empty()) fail(operation_, at_, left_.begin()->first + " is no weight of this cell");
    }

  private:
    const char* operation_;
    Weights left_;
    Where at_;
};

bool sees_cell(char gate) { return gate == 'f' || gate == 'i' || gate == 'o'; }

/// What both layouts have.
void pass(Taken& from, Weights& to, int64_t H) {
    for (const char* name : {"P_f", "P_i", "P_o", "b_hh"})
        if (from.has(name)) to[name] = from.take(name, {{H, 'H'}});
}

}  // namespace

Weights to_book(const std::string& gates, const Weights& cell, Where at) {
    Taken from("to_book", cell, at);
    Weights book;
    const int64_t G = int64_t(gates.size());
    const Tensor W_hh = from.take("W_hh"), W_xh = from.take("W_xh");
    const int64_t H = W_hh.rank() == 2 ? W_hh.dim(1) : 0;
    if (H == 0 || W_hh.dim(0) != G * H) from.differ("W_hh", W_hh, fmt::format("[{}H, H]", G));
    if (W_xh.rank() != 2 || W_xh.dim(0) != G * H) from.differ("W_xh", W_xh, fmt::format("[{}, D]", G * H));
    const Tensor b = from.take("b", {G * H});
    for (int64_t k = 0; k < G; k++) {
        const char gate = gates[size_t(k)];
        const std::string peephole = fmt::format("P_{}", gate);
        std::vector<Tensor> parts = {W_hh.slice(k * H, (k + 1) * H), W_xh.slice(k * H, (k + 1) * H)};
        if (sees_cell(gate) && from.has(peephole) && cell.at(peephole).rank() == 2)
            parts.push_back(from.take(peephole, {{H, 'H'}, {H, 'H'}}));
        book[fmt::format("W_{}", gate)] = concat(parts, 1, at);
        book[fmt::format("b_{}", gate)] = b.slice(k * H, (k + 1) * H).clone();
    }
    pass(from, book, H);
    from.nothing_left();
    return book;
}

Weights from_book(const std::string& gates, const Weights& book, Where at) {
    Taken from("from_book", book, at);
    // The candidate never sees the cell state: its sizes are H and H+D.
    const std::string candidate = gates.find('C') != std::string::npos ? "W_C" : "W_h";
    const Tensor W_C = from.take(candidate);
    const int64_t H = W_C.rank() == 2 ? W_C.dim(0) : 0, D = H > 0 ? W_C.dim(1) - H : 0;
    if (D < 1) from.differ(candidate, W_C, "[H, H+D]");
    Weights cell;
    std::vector<Tensor> W_hh, W_xh, b;
    for (const char gate : gates) {
        const std::string name = fmt::format("W_{}", gate);
        const Tensor W = name == candidate ? W_C : from.take(name);
        const bool peephole = sees_cell(gate) && W.shape() == Shape{H, H + D + H};
        if (!peephole && !(W.shape() == Shape{H, H + D}))
            from.differ(name, W,
                        Shape{{H, 'H'}, H + D}.str() +
                            (sees_cell(gate) ? " or, with a peephole, " + Shape{{H, 'H'}, H + D + H}.str() : ""));
        W_hh.push_back(columns(W, 0, H));
        W_xh.push_back(columns(W, H, H + D));
        if (peephole) cell[fmt::format("P_{}", gate)] = columns(W, H + D, H + D + H);
        b.push_back(from.take(fmt::format("b_{}", gate), {{H, 'H'}}));
    }
    cell["W_hh"] = concat(W_hh, 0, at);
    cell["W_xh"] = concat(W_xh, 0, at);
    cell["b"] = concat(b, 0, at);
    pass(from, cell, H);
    from.nothing_left();
    return cell;
}

}  // namespace unroll
