#include "tutorials/lesson/tex.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace unroll::lesson {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<Pair, 61> symbols = {{
    {"alpha", "α"},      {"beta", "β"},       {"gamma", "γ"}, {"delta", "δ"},
    {"epsilon", "ε"},    {"varepsilon", "ε"}, {"eta", "η"},   {"theta", "θ"},
    {"lambda", "λ"},     {"mu", "μ"},         {"pi", "π"},    {"rho", "ρ"},
    {"sigma", "σ"},      {"tau", "τ"},        {"phi", "φ"},   {"varphi", "φ"},
    {"psi", "ψ"},        {"Delta", "Δ"},      {"Theta", "Θ"}, {"Sigma", "Σ"},
    {"partial", "∂"},    {"nabla", "∇"},      {"infty", "∞"}, {"leq", "≤"},
    {"le", "≤"},         {"geq", "≥"},        {"ge", "≥"},    {"neq", "≠"},
    {"ne", "≠"},         {"approx", "≈"},     {"sim", "~"},   {"propto", "∝"},
    {"in", "∈"},         {"cdot", "·"},       {"odot", "⊙"},  {"times", "×"},
    {"pm", "±"},         {"circ", "∘"},       {"to", "→"},    {"rightarrow", "→"},
    {"mapsto", "↦"},     {"leftarrow", "←"},  {"ldots", "…"}, {"dots", "…"},
    {"cdots", "⋯"},      {"vdots", "⋮"},      {"ell", "ℓ"},   {"top", "ᵀ"},
    {"mid", "|"},        {"vert", "|"},       {"Vert", "‖"},  {"|", "‖"},
    {"langle", "⟨"},     {"rangle", "⟩"},     {"equiv", "≡"}, {"Longrightarrow", "⇒"},
    {"Rightarrow", "⇒"}, {"ll", "≪"},         {"gg", "≫"},    {"forall", "∀"},
    {"omega", "ω"},
}};

constexpr std::array<Pair, 4> accents = {
    {{"tilde", "\u0303"}, {"hat", "\u0302"}, {"bar", "\u0304"}, {"vec", "\u20D7"}}};

// Commands that only lay out, and those that only choose a face for their argument.
constexpr std::array<std::string_view, 20> silent = {
    "left",         "right",        "big",    "Big",       "bigl",   "bigr",   "Bigl",   "Bigr",
    "displaystyle", "limits",       "!",      "text",      "mathrm", "mathbb", "mathbf", "mathcal",
    "boldsymbol",   "operatorname", "mathit", "underbrace"};

template <class List>
const std::string_view* lookup(const List& list, std::string_view name) {
    auto it = std::find_if(list.begin(), list.end(), [&](const Pair& p) { return p.first == name; });
    return it == list.end() ? nullptr : &it->second;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// One name or number, which needs no braces or brackets around it.
bool simple(std::string_view text) { return text.find_first_of(" +-*/=(,|") == text.npos; }

class Reader {
  public:
    explicit Reader(std::string_view tex) : rest_(tex) {}

    std::string until_close() {
        std::string out;
        while (!rest_.empty() && rest_[0] != '}') out += item();
        if (!rest_.empty()) rest_.remove_prefix(1);
        return out;
    }

    bool done() const { return rest_.empty(); }

  private:
    void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

    std::string argument() {
        skip_spaces();
        return rest_.empty() ? "" : item();
    }

    // Nesting beyond any formula is dropped, so that no text can exhaust the stack.
    std::string item() {
        char c = rest_[0];
        if (depth_ == 100) {
            rest_.remove_prefix(1);
            return "";
        }
        depth_++;
        std::string out = c == '\\' ? command() : group_or_character(c);
        depth_--;
        return out;
    }

    std::string group_or_character(char c) {
        rest_.remove_prefix(1);
        if (c == '{') return until_close();
        if (c == '_') return script("_", argument());
        if (c == '^') return script("^", argument());
        if (c == '&') return "";
        if (c == '~' || c == '\n') return " ";
        return std::string(1, c);
    }

    static std::string script(std::string mark, const std::string& what) {
        if (mark == "^") {
            if (what == "T" || what == "ᵀ") return "ᵀ";
            if (what == "2") return "²";
            if (what == "*" || what == "∘" || what == "'") return what;
        }
        return mark + (simple(what) ? what : "{" + what + "}");
    }

    // "Σ_{t=1..T} " of \sum_{t=1}^{T}
    std::string limits(const std::string& sign) {
        std::string below, above;
        for (skip_spaces(); !rest_.empty() && (rest_[0] == '_' || rest_[0] == '^'); skip_spaces()) {
            std::string& limit = rest_[0] == '_' ? below : above;
            rest_.remove_prefix(1);
            limit = argument();
        }
        if (below.empty() && above.empty()) return sign + " ";
        return sign + "_{" + below + (above.empty() ? "" : ".." + above) + "} ";
    }

    static std::string bracket(const std::string& what) { return simple(what) ? what : "(" + what + ")"; }

    std::string command() {
        size_t end = 1;
        while (end < rest_.size() && is_letter(rest_[end])) end++;
        if (end == 1) end = std::min<size_t>(2, rest_.size());
        std::string name(rest_.substr(1, end - 1));
        rest_.remove_prefix(end);
        if (name == "frac" || name == "tfrac" || name == "dfrac") {
            std::string above = bracket(argument());
            return above + "/" + bracket(argument());
        }
        if (name == "sum" || name == "prod") return limits(name == "sum" ? "Σ" : "∏");
        if (name == "sqrt") return "√" + bracket(argument());
        if (name == "begin" || name == "end") {
            argument();
            return "";
        }
        if (name == "\\") return "\n";
        if (name == "," || name == ";" || name == ":" || name == " " || name == "quad" || name == "qquad") return " ";
        if (const auto* accent = lookup(accents, name)) return argument().append(*accent);
        if (std::find(silent.begin(), silent.end(), name) != silent.end()) return "";
        if (name == "partial" || name == "nabla") skip_spaces();
        const auto* symbol = lookup(symbols, name);
        return symbol != nullptr ? std::string(*symbol) : name;
    }

    std::string_view rest_;
    int depth_ = 0;
};

}  // namespace

std::string plain_tex(std::string_view tex) {
    Reader reader(tex);
    std::string read;
    while (!reader.done()) read += reader.until_close();
    std::string out;  // runs of spaces as one
    for (char c : read)
        if (c != ' ' || (!out.empty() && out.back() != ' ' && out.back() != '\n')) out += c;
    while (!out.empty() && (out.back() == ' ' || out.back() == '\n')) out.pop_back();
    return out;
}

}  // namespace unroll::lesson
