// build/tutorials/summarise: trains a summariser, and summarises, scores and evaluates with it.
#include <fmt/format.h>

#include <optional>

#include "tutorials/pairs/summaries.hpp"
#include "tutorials/pairs/summary_recipe.hpp"
#include "tutorials/pairs/train.hpp"

using namespace unroll;

namespace {

class Summarise final : public PairProgram {
  public:
    void add_to(CLI::App& train, CLI::App&) override {
        train.add_flag("--plain", plain_, "attention alone: no copying, no selective reading");
    }
    bool train(const PairCall& call) override {
        SummaryRecipe recipe = recipe_;
        if (plain_) recipe.summariser.model.copying = recipe.summariser.model.selective_reading = false;
        if (call.set != "debian-summaries") recipe.columns = {0, 1};
        return train_in_folder<Summariser, SummariserTrainer>(call, recipe.columns, recipe.summariser, recipe.batches,
                                                              recipe.training);
    }
    void load(const std::string& folder) override { summariser_ = Summariser::load(folder); }
    std::string write(const std::string& line, const DecodeOptions& options) override {
        return summariser_->summarise({line}, options)[0];
    }
    std::vector<Word> score(const TextPair& pair) override {
        std::vector<Word> words;
        for (const Summariser::ScoredWord& s : summariser_->score(pair))
            words.push_back({s.log_prob, s.word, fmt::format("  copied {:.2f}", s.copied)});
        return words;
    }
    void evaluate(const PairCall& call) override {
        const PairColumns columns = call.set == "debian-summaries" ? recipe_.columns : PairColumns{0, 1};
        const auto pairs = load_pairs(call.file(call.part), columns);
        const SummaryReport r = judge(*summariser_, pairs, call.decode);
        for (size_t i : examples(r.summaries, pairs))
            fmt::print("document   {}\nreference  {}\nsummary    {}   ROUGE {}\n\n", pairs[i].source, pairs[i].target,
                       r.summaries[i], rouge(r.summaries[i], pairs[i].target).str());
        fmt::print("{} documents of {}, ROUGE-1/2/L\n{:<18}first sentence\n{:<18}what the first sentence says it is\n",
                   pairs.size(), call.part, r.first_sentence.str(), r.what_it_is.str());
        fmt::print("{:.1f} % of the words were copied, {:.1f} % are in the document (of the references' {:.1f} %)\n",
                   100 * r.copied, 100 * r.in_document, 100 * r.references_in_document);
        fmt::print("{:.1f} % of the summaries have a word twice\nROUGE-1/2/L = {}  beam {}\n", 100 * r.repeating,
                   r.rouge.str(), call.decode.beam_width);
    }

  private:
    SummaryRecipe recipe_;
    bool plain_ = false;
    std::optional<Summariser> summariser_;
};

}  // namespace

int main(int argc, char** argv) {
    Summarise program;
    return run(program, "summarise",
               "A summariser: trained on documents and their summaries, generates and copies words (chapter 09).",
               "debian-summaries of data/, or the name of your own",
               {.set = "debian-summaries", .data = UNROLL_ROOT "/data", .decode = SummaryRecipe{}.decode}, argc, argv);
}
