// build/tutorials/translate: trains a translator, and translates, scores and evaluates with it.
#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "tutorials/pairs/train.hpp"
#include "tutorials/pairs/translation.hpp"
#include "tutorials/pairs/translation_recipe.hpp"

using namespace unroll;

namespace {

class Translate final : public PairProgram {
  public:
    void add_to(CLI::App& train, CLI::App& evaluate) override {
        std::vector<std::string> keys;
        for (const ComparedDecoder& d : compared_decoders()) keys.push_back(d.key);
        train.add_option("--decoder", decoder_, "one of those compared in chapter 09, instead of the recipe's")
            ->check(CLI::IsMember(keys));
        evaluate.add_flag("--table", table_, "BLEU for each of some widths of the beam and exponents");
    }
    bool train(const PairCall& call) override {
        TranslationRecipe r = translation_recipe(call.set);
        for (const ComparedDecoder& d : compared_decoders())
            if (d.key == decoder_) r.translator.model = with_decoder(r.translator.model, d);
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
    /// BLEU; where the file learnt from is there, also split by nearness to its sentences.
    void evaluate(const PairCall& call) override {
        const TranslationRecipe r = translation_recipe(call.set);
        const std::string file = call.file(call.part), learnt = call.file("train");
        const TranslationTest test = load_translation_test(file, r.columns);
        const Bleu bleu;
        for (int64_t width : {1, 2, 4, 8, 16})
            for (double exponent : {0.0, 0.6, 1.0, 1.4}) {
                if (!table_ || (width == 1 && exponent > 0)) continue;
                DecodeOptions o = call.decode;
                o.beam_width = width, o.exponent = exponent;
                fmt::print("beam {:>2}  exponent {}  {:.4f}\n", width, exponent,
                           bleu.corpus(translator_->translate(test.sources, o), test.references).score);
                std::fflush(stdout);
            }
        if (table_) return;
        const Lines hypotheses = translator_->translate(test.sources, call.decode);
        if (std::filesystem::exists(learnt)) {
            Lines known;
            for (const TextPair& p : load_pairs(learnt, r.columns)) known.push_back(p.source);
            for (const NearnessBand& b : bleu_by_nearness(hypotheses, test, nearest(test.sources, known)))
                if (b.sentences > 0)
                    fmt::print("nearest sentence learnt from {:.2f} on: {:>4} sentences, BLEU {:.1f}\n", b.low,
                               b.sentences, b.bleu);
        }
        const PairIds ids = translator_->ids(load_pairs(file, r.columns));
        fmt::print("{:.4f} nats a piece\n",
                   unroll::evaluate(translator_->model, ids, translator_->batches({.sentences = 64})));
        fmt::print("BLEU = {:.4f} {}\n", bleu.corpus(hypotheses, test.references).score,
                   bleu.signature(test.references.size()));
    }

  private:
    std::string decoder_;
    bool table_ = false;
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
