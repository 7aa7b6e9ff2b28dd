// What all chapters measured, in one table.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "tutorials/11_summary/chapter.hpp"
#include "tutorials/lesson/door.hpp"

namespace unroll {
namespace {

using Json = nlohmann::ordered_json;

Figures::Chapter read_results(const std::string& path, const std::string& folder) try {
    const Json json = Json::parse(read_file(path));
    Figures::Chapter c{folder,
                       json.at("title"),
                       {},
                       json.at("seed").dump(),
                       lesson::duration(json.at("time").get<double>()),
                       json.at("machine")};
    for (const auto& [name, value] : json.at("results").items())
        if (value.is_number()) c.results.emplace_back(name, value.get<double>());
    return c;
} catch (const Json::exception&) {
    throw Error("{}: is no chapter's results", path);
}

/// The figures of these names, where they are there.
lesson::Table side_by_side(const Figures& figures, const std::string& caption, const std::string& value,
                           const std::vector<std::pair<std::string, std::string>>& names) {
    lesson::Table table{.caption = caption, .header = {"", "chapter", value}};
    for (const auto& [what, name] : names)
        if (const auto found = figures.named.find(name); found != figures.named.end())
            table.rows.push_back({what, name.substr(0, 2), found->second});
    return table;
}

/// Right answers against the length of a sequence, as chapter 07 measured them.
lesson::Plot recall(const Figures& figures) {
    lesson::Plot plot{.title = "Asked about a marked symbol far back",
                      .x = "time steps",
                      .y = "share of right answers",
                      .log_x = true,
                      .caption = "Chapter 07: gates lengthen the memory, attention does away with the distance."};
    for (const auto& [key, name] : {std::pair{"plain", "basic RNN"}, {"gru", "GRU"}, {"attention", "attention RNN"}}) {
        lesson::Series series{.name = name};
        for (int T : {5, 10, 20, 40}) {
            const auto found = figures.named.find(fmt::format("07.recall_{}_{}", key, T));
            if (found == figures.named.end()) continue;
            series.x.push_back(T);
            series.y.push_back(found->second);
        }
        if (!series.x.empty()) plot.series.push_back(series);
    }
    return plot;
}

}  // namespace

Figures load_figures(const std::string& root) {
    Figures figures;
    std::vector<std::string> folders;
    for (const std::string& name : lesson::door::entries(root + "/tutorials")) {
        const auto digit = [&](size_t i) { return name[i] >= '0' && name[i] <= '9'; };
        if (name.size() > 3 && digit(0) && digit(1) && name[2] == '_' && name.compare(0, 2, "11") != 0)
            folders.push_back(name);
    }
    if (folders.empty()) throw Error("{}/tutorials: there are no chapters", root);
    for (const std::string& folder : folders) {
        const std::string path = root + "/tutorials/" + folder;
        std::vector<std::string> files;
        for (const std::string& name : lesson::door::entries(path))
            if (name.starts_with("results") && name.ends_with(".json")) files.push_back(path + "/" + name);
        if (files.empty()) figures.missing.push_back(folder);
        for (const std::string& file : files) {
            figures.chapters.push_back(read_results(file, folder));
            const Figures::Chapter& c = figures.chapters.back();
            for (const auto& [name, value] : c.results) figures.named[c.number() + "." + name] = value;
        }
    }
    return figures;
}

void tell_figures(Lesson& lesson, const Figures& figures) {
    lesson.section("Side by side", "Summary");
    lesson.table(side_by_side(figures,
                              "Characters of Austen on the validation novel. Chapters 01 and 02 train for "
                              "minutes, 03 and 07 briefly and all alike",
                              "nats a character",
                              {{"basic RNN", "01.austen_rnn_valid_nats"},
                               {"LSTM", "02.austen_lstm_valid_nats"},
                               {"basic RNN, briefly", "03.austen_nats_rnn"},
                               {"LSTM, briefly", "03.austen_nats_lstm"},
                               {"GRU, reset before, briefly", "03.austen_nats_gru_before"},
                               {"GRU, reset after, briefly", "03.austen_nats_gru_after"},
                               {"GRU as large as the LSTM, briefly", "03.austen_nats_gru_large"},
                               {"one layer, more briefly", "07.austen_1_layer_nats"},
                               {"two layers, more briefly", "07.austen_2_layers_nats"},
                               {"three layers, more briefly", "07.austen_3_layers_nats"}}));
    lesson.table(side_by_side(figures,
                              "The adding problem over 100 steps, mean square error; who always says 1 is wrong by 1/6",
                              "highest of the seeds",
                              {{"basic RNN", "03.adding_highest_rnn"},
                               {"basic RNN, orthogonal", "02.adding_rnn_orthogonal_worst_error"},
                               {"LSTM, forget bias 0", "02.adding_lstm_bias_0_worst_error"},
                               {"LSTM, forget bias 1", "02.adding_lstm_bias_1_worst_error"},
                               {"GRU, reset before", "03.adding_highest_gru_before"},
                               {"GRU, reset after", "03.adding_highest_gru_after"}}));
    if (const lesson::Plot plot = recall(figures); !plot.series.empty()) lesson.plot(plot);

    lesson.section("All that was measured", "Summary");
    lesson.text(
        "Each chapter's full run writes its figures to `results.json` beside it (on other texts to "
        "`results_TEXT.json`). Here they are, all of them; what a "
        "figure means is told in its chapter under *Measured*, and `tutorials/start NN` measures it again.");
    lesson::Table all{.caption = "The chapters' results.json",
                      .header = {"chapter", "figure", "value", "seed", "run of", "machine"}};
    for (const Figures::Chapter& c : figures.chapters)
        for (const auto& [name, value] : c.results)
            all.rows.push_back({c.number(), "`" + name + "`", fmt::format("{:.4g}", value), c.seed, c.time, c.machine});
    lesson.table(all);
    for (const std::string& folder : figures.missing)
        lesson.text(
            fmt::format("Chapter {} has no results here yet: `tutorials/start {} --results "
                        "tutorials/{}/results.json` writes them.",
                        folder.substr(0, 2), folder.substr(0, 2), folder));
    lesson.check(fmt::format("{} figures of {} files were read", all.rows.size(), figures.chapters.size()),
                 !all.rows.empty());
}

}  // namespace unroll
