#pragma once
#include <map>
#include <string>
#include <vector>

#include "tutorials/lesson/lesson.hpp"

// The parts of chapter 11, in the order they are told.
namespace unroll {

/// What the chapters measured, from their results.json.
struct Figures {
    struct Chapter {
        std::string folder, title;  // "03_gru", "The GRU"
        std::vector<std::pair<std::string, double>> results;
        std::string seed, time, machine;
        std::string number() const { return folder.substr(0, 2); }
    };
    std::vector<Chapter> chapters;        // that were measured
    std::vector<std::string> missing;     // folders of those that were not
    std::map<std::string, double> named;  // "03.austen_nats_rnn"
};
/// Of the chapters below root/tutorials. Throws Error, with the file's name, for a results.json that is none.
Figures load_figures(const std::string& root);

/// An equation of the book, with symbols of ours where it needs putting right, and the line that carries it out.
struct Equation {
    std::string section, tex, file;
    int line;
};
/// equations.tsv, which names for each a file and what the line says. Throws Error where no line of the file says it,
/// or more than one.
std::vector<Equation> load_equations(const std::string& root);

void tell_figures(Lesson& lesson, const Figures& figures);  // all in one table, and side by side
void tell_map(Lesson& lesson, const std::string& root);     // each equation's line
void tell_advice(Lesson& lesson, const Figures& figures, const std::string& root);  // which one should I use?

}  // namespace unroll
