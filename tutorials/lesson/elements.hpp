#pragma once
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/gradcheck.hpp"
#include "core/tensor.hpp"
#include "data/picture.hpp"
#include "data/sound.hpp"

/// What a chapter is told with. A chapter fills these in with designated initialisers (`lesson.plot({.title = "Loss",
/// ...})`); each sink (terminal, page) renders them its own way. Text may hold `code`, $maths$ and *emphasis* where it
/// says "marked".
namespace unroll::lesson {

struct Section {
    std::string title;
    std::string book = {};  // the book's section, "Unrolled RNN"
};

/// A cell of a table: text (marked) or a number. Numbers of one column are printed in one format, aligned right.
struct Cell {
    Cell(const char* text) : text(text) {}
    Cell(std::string text) : text(std::move(text)) {}
    template <class Number, class = std::enable_if_t<std::is_arithmetic_v<Number>>>
    Cell(Number value) : number(static_cast<double>(value)), is_number(!std::is_same_v<Number, bool>) {
        if (std::is_same_v<Number, bool>) text = value ? "yes" : "no";
    }
    std::string text;
    double number = 0;
    bool is_number = false;
};

struct Table {
    std::string caption = {};                  // marked
    std::vector<std::string> header = {};      // marked
    std::vector<std::vector<Cell>> rows = {};  // a short row is filled with empty cells
};

struct Series {
    std::string name = {};
    std::vector<double> x = {}, y = {};  // equally long; points that are not finite are gaps
};

/// Lines over a common x.
struct Plot {
    std::string title = {};
    std::string x = {}, y = {};  // axis labels with their unit
    std::vector<Series> series = {};
    bool log_x = false, log_y = false;  // values <= 0 are gaps on a logarithmic axis
    std::string caption = {};           // marked
};

/// A matrix of numbers, taken from a Tensor [R, C] or [C] or given row by row.
struct Grid {
    Grid() = default;
    Grid(const Tensor& matrix, Where at = {});
    Grid(int rows, int columns, std::vector<double> values, Where at = {});
    double at(int r, int c) const {
        return values[static_cast<size_t>(r) * static_cast<size_t>(columns) + static_cast<size_t>(c)];
    }
    int rows = 0, columns = 0;
    std::vector<double> values;
};

/// A matrix as coloured cells: sequential colours from the smallest value to the largest, diverging ones around 0 where
/// values of both signs occur.
struct Heatmap {
    std::string title = {};
    Grid values = {};
    std::string row_axis = {}, column_axis = {};                   // "k", "time step t"
    std::vector<std::string> row_labels = {}, column_labels = {};  // default: 0, 1, 2, ...
    bool log = false;                                              // colour by log10 |value|
    std::string caption = {};                                      // marked
};

/// A tree whose nodes come after their parents: the beam of a search. Drawn from left to right.
struct TreeNode {
    int parent;  // -1: it has none
    std::string label, detail = {};
    bool chosen = false;  // stands out
};
struct Tree {
    std::string title = {};
    std::vector<TreeNode> nodes = {};
    std::string caption = {};  // marked
};

/// A text whose tokens are coloured by a value each, the larger the darker.
struct ShadedText {
    std::string title = {};
    std::vector<std::string> tokens = {};
    std::vector<double> values = {};  // as many; a token whose value is NaN has no colour
    bool spaced = true;               // a space between two tokens: words
    std::string unit = {};            // of the values
    std::string caption = {};         // marked
};

/// Words on a plane, each where its two coordinates are.
struct WordMap {
    std::string title = {};
    std::vector<std::string> labels = {};
    std::vector<double> x = {}, y = {};
    std::string caption = {};  // marked
};

/// A picture, and how much of each word's attention each of its regions had.
struct Looks {
    std::string title = {};
    Picture picture = {};
    std::vector<std::string> words = {};
    std::vector<Grid> weights = {};  // one a word, regions from above
    std::string caption = {};        // marked
};

/// A sound to be played.
struct Clip {
    std::string title = {};
    Sound sound = {};
    std::string caption = {};  // marked
};

/// A fact that the run has verified, or not.
struct Check {
    std::string statement;  // marked
    bool holds;
    std::string detail = {};  // "3.1e-13, at most 1e-12"
};

/// A place where the stepper has stood.
struct Stop {
    std::string title;               // "backward 7: h = tanh(a), t=2"
    std::vector<std::string> lines;  // preformatted
};

/// One way to show a lesson. Elements come in the order they are told.
class Sink {
  public:
    virtual ~Sink() = default;
    virtual void section(const Section&) = 0;
    virtual void text(const std::string& marked) = 0;  // paragraphs and "- " lists, separated by blank lines
    virtual void equation(const std::string& tex, const std::string& plain) = 0;
    virtual void table(const Table&) = 0;
    virtual void value(const std::string& name, const std::vector<std::string>& lines) = 0;  // preformatted
    virtual void plot(const Plot&) = 0;
    virtual void heatmap(const Heatmap&) = 0;
    virtual void tree(const Tree&) = 0;
    virtual void shaded(const ShadedText&) = 0;
    virtual void map(const WordMap&) = 0;
    virtual void looks(const Looks&) = 0;
    virtual void clip(const Clip&) = 0;
    virtual void check(const Check&) = 0;
    virtual void sample(const std::string& title, const std::string& text) = 0;
    virtual void stops(const std::string& title, const std::vector<Stop>&) = 0;
    virtual void result(const std::string& name, double value) = 0;
};

/// A table's cells as text, numbers in their column's format, every row as long as the longest; and which columns align
/// right.
struct Cells {
    std::vector<std::vector<std::string>> rows;
    std::vector<bool> right;
};
Cells cells(const Table& table);
/// "[T=2, H=3] f64", then the numbers, aligned, long dimensions shortened.
std::vector<std::string> value_lines(const Tensor& value);
/// The worst entry of each input: analytic, numeric, relative error.
Table gradcheck_table(const std::string& caption, const GradCheck& result);

}  // namespace unroll::lesson
