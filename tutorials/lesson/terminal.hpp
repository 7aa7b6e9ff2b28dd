#pragma once
#include "tutorials/lesson/elements.hpp"

namespace unroll::lesson {

/// The lesson on a terminal, written to standard output as it is told: wrapped at `columns`, in plain text unless
/// `colours`.
class Terminal : public Sink {
  public:
    Terminal(int columns, bool colours);

    void section(const Section&) override;
    void text(const std::string& marked) override;
    void equation(const std::string& tex, const std::string& plain) override;
    void table(const Table&) override;
    void value(const std::string& name, const std::vector<std::string>& lines) override;
    void plot(const Plot&) override;
    void heatmap(const Heatmap&) override;
    void tree(const Tree&) override;
    void shaded(const ShadedText&) override;
    void map(const WordMap&) override;
    void looks(const Looks&) override;
    void clip(const Clip&) override;
    void check(const Check&) override;
    void sample(const std::string& title, const std::string& text) override;
    void stops(const std::string& title, const std::vector<Stop>&) override;
    void result(const std::string& name, double value) override;

  private:
    std::string styled(const char* code, const std::string& text) const;
    void block(const std::string& title, const std::vector<std::string>& lines, const std::string& caption = "");

    size_t columns_;
    bool colours_;
};

/// Lines of a table whose columns align; columns that do not fit are shortened, the widest text columns first.
std::vector<std::string> table_lines(const Table& table, size_t columns);
/// A plot as characters, one mark a series: "*", "+", "o", "x", "#", "@".
std::vector<std::string> plot_lines(const Plot& plot, size_t columns);
/// A heat-map as numbers where they fit, else as shades with a legend.
std::vector<std::string> heatmap_lines(const Heatmap& map, size_t columns);

}  // namespace unroll::lesson
