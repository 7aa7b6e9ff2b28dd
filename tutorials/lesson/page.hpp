#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tutorials/lesson/elements.hpp"

namespace unroll::lesson {

/// The lesson as one HTML page that needs no network: everything is inside it. Without JavaScript, KaTeX or Chart.js it
/// still reads well: equations as text, plots as SVG, steps one below the other.
class Page : public Sink {
  public:
    Page(std::string number, std::string title, std::string web_libs);

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

    /// The whole document so far; `facts` (of the run: seed, machine ...) stand below it.
    std::string document(const std::vector<std::pair<std::string, std::string>>& facts) const;

  private:
    std::string maths(const std::string& tex, const std::string& plain, const char* element, const char* classes);
    std::string marked(const std::string& text);  // as HTML
    std::string table_html(const Table& table);
    void figure(const char* classes, const std::string& title, const std::string& caption, const std::string& inside,
                const Table& numbers);

    std::string number_, title_, web_libs_;
    std::string body_;
    std::vector<Section> sections_;
    std::string tex_;  // all formulas
    bool plots_ = false;
};

}  // namespace unroll::lesson
