// build/tutorials/translate: trains a translator, and translates, scores and evaluates with it.
#include <fmt/format.h>

#include <optional>

#include "tutorials/pairs/train.hpp"
#include "tutorials/pairs/translation.hpp"
#include "tutorials/pairs/translation_recipe.hpp"

using namespace unroll;

namespace {

class Translate final : public PairProgram {
  public:
    bool train(const PairCall& call) override {
        const TranslationRecipe r = translation_recipe(call.set);
        return train_in_folder<Translator, Seq2SeqTrainer>(call, r.columns, r.translator, r.batches, r.training);
    }
    void load(const std::string& folder) override { translator_ = Translator::load(folder); }
    std::string write(const std::string& line, const DecodeOptions& options) override {
        return translator_->translate({line}, options)[0];
    }
    std::vector<Word> score(const TextPair& pair) override {
        std::vector<Word> words;
        for (const Translator::ScoredPiece& s : translator_->score(pair)) words.push_back({s.log_prob, s.piece, ""});
        return words;
    }
    /// BLEU, where the set is ui-en-de against all references, and there split by nearness to the sentences learnt.
    void evaluate(const PairCall& call) override {
        const TranslationRecipe r = translation_recipe(call.set);
        const std::string folder = call.data + "/" + call.set;
        const bool split = call.set == "ui-en-de";
        TranslationTest test;
        if (split) {
            test = load_translation_test(folder, call.part);
        } else {
            test.references.resize(1);
            for (const TextPair& p : load_pairs(call.file(call.part), r.columns))
                test.sources.push_back(p.source), test.references[0].push_back(p.target);
        }
        const Lines hypotheses = translator_->translate(test.sources, call.decode);
        if (split) {
            Lines known;
            for (const TextPair& p : load_pairs(folder + "/train.tsv", r.columns)) known.push_back(p.source);
            for (const NearnessBand& b : bleu_by_nearness(hypotheses, test, nearest(test.sources, known)))
                fmt::print("nearest sentence learnt from {:.2f} on: {:>4} sentences, BLEU {:.1f}\n", b.low, b.sentences,
                           b.bleu);
        }
        const Bleu bleu;
        fmt::print("BLEU = {:.4f} {}\n", bleu.corpus(hypotheses, test.references).score,
                   bleu.signature(test.references.size()));
    }

  private:
    std::optional<Translator> translator_;
};

}  // namespace

int main(int argc, char** argv) {
    Translate program;
    return run(program, "translate",
               "A translator: trained on pairs of sentences, by the attention model of chapter 06.",
               "ui-en-de or cldr-names of data/, with its recipe; or the name of your own",
               {.set = "ui-en-de", .data = UNROLL_ROOT "/data", .decode = {.exponent = 0.6}}, argc, argv);
}
