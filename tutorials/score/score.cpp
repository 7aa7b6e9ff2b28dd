// build/tutorials/score: BLEU and ROUGE of any files, a segment a line.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/kernels/parallel.hpp"
#include "nn/bleu.hpp"
#include "nn/bootstrap.hpp"
#include "nn/rouge.hpp"
#include "tutorials/lesson/checks.hpp"
#include "tutorials/score/lines.hpp"

using namespace unroll;
using nlohmann::ordered_json;

namespace {

const char* const usage =
    "usage: score bleu HYP REF... [--json] [--sentence] [--tokenize 13a|none|char] [--lowercase]\n"
    "                  [--smooth-method exp|floor|add-k|none] [--smooth-value X] [--max-ngram-order N]\n"
    "                  [--weights W1,..,WN] [--effective-order] [--bootstrap SAMPLES] [--compare HYP2] [--seed N]\n"
    "       score rouge HYP REF... [--json] [--types 1,2,L,Lsum] [--sentence-end TEXT] [--bootstrap SAMPLES]\n"
    "                  [--compare HYP2] [--seed N]\n";

struct Arguments {
    std::string hypotheses, compare;
    std::vector<std::string> references;
    bool json = false, sentences = false;
    BleuOptions bleu;
    std::vector<std::string> types = {"1", "2", "L", "Lsum"};
    std::string sentence_end;  // between the sentences of a line; none: a line is one
    BootstrapOptions bootstrap = {.samples = 0};
};

/// What one metric says of one file of hypotheses.
struct Scored {
    std::string name, signature;
    double score = 0;
    std::vector<std::string> details = {};  // lines
    ordered_json json = {};                 // beside name, score and signature
    SegmentCounts segments = {};            // where they are asked for
    ScoreOfSum of_sum = {};
};

Scored score_bleu(const Arguments& a, const std::string&, const Lines& hypotheses,
                  const std::vector<Lines>& references) {
    const Bleu bleu(a.bleu);
    Scored s{.name = "BLEU", .signature = bleu.signature(references.size())};
    if (a.bootstrap.samples > 0) s.segments = bleu.counts(hypotheses, references);
    s.of_sum = [bleu](const std::vector<double>& sum) { return bleu.score(sum).score; };
    const BleuScore b = bleu.corpus(hypotheses, references);
    s.score = b.score;
    if (a.sentences) {
        ordered_json all;
        Lines of_line(references.size());
        for (size_t i = 0; i < hypotheses.size(); i++) {
            for (size_t r = 0; r < references.size(); r++) of_line[r] = references[r][i];
            all.push_back(bleu.sentence(hypotheses[i], of_line).score);
            s.details.push_back(fmt::format("{:.4f}", all.back().get<double>()));
        }
        s.json["sentences"] = all;
    }
    std::string precisions;
    for (double p : b.precisions) precisions += fmt::format("{}{:.1f}", precisions.empty() ? "" : "/", p);
    s.details.push_back(fmt::format("precisions {}, brevity penalty {:.4f}, {} tokens, {} in the references",
                                    precisions, b.brevity_penalty, b.hypothesis_length, b.reference_length));
    s.json.update({{"precisions", b.precisions},
                   {"brevity_penalty", b.brevity_penalty},
                   {"hypothesis_length", b.hypothesis_length},
                   {"reference_length", b.reference_length},
                   {"matches", std::vector<int64_t>(b.matches.begin(), b.matches.end())},
                   {"totals", std::vector<int64_t>(b.totals.begin(), b.totals.end())}});
    return s;
}

/// Sentences on lines of their own.
std::string lines_of(const std::string& text, const std::string& sentence_end) {
    std::string lines;
    for (size_t begin = 0, end; begin <= text.size(); begin = end + sentence_end.size()) {
        end = std::min(text.find(sentence_end, begin), text.size());
        lines.append(text, begin, end - begin) += '\n';
    }
    return lines;
}

struct RougeOfLine {
    RougeScore best;
    double book;
};

/// A line's score of each type. A line without sentence ends is one sentence, whose Lsum is L.
std::vector<RougeOfLine> rouge_of_line(const Arguments& a, const std::string& hypothesis, const Lines& references) {
    const Tokens prediction = rouge_tokens(hypothesis);
    std::vector<Tokens> tokens;
    for (const std::string& reference : references) tokens.push_back(rouge_tokens(reference));
    std::vector<RougeOfLine> scores;
    std::optional<RougeScore> l;  // L, and Lsum where it is that
    for (const std::string& type : a.types) {
        if (type == "Lsum" && !a.sentence_end.empty()) {
            const std::string text = lines_of(hypothesis, a.sentence_end);
            scores.push_back({best_reference(references,
                                             [&](const std::string& reference) {
                                                 return rouge_lsum(text, lines_of(reference, a.sentence_end));
                                             }),
                              0});
        } else if (type[0] == 'L') {
            if (!l) l = best_reference(tokens, [&](const Tokens& r) { return rouge_l(prediction, r); });
            scores.push_back({*l, 0});
        } else {
            const int n = std::stoi(type);
            const RougeScore best = best_reference(tokens, [&](const Tokens& r) { return rouge_n(prediction, r, n); });
            // Of one reference it is the recall.
            scores.push_back({best, tokens.size() > 1 ? rouge_n_book(prediction, tokens, n) : best.recall});
        }
    }
    return scores;
}

Scored score_rouge(const Arguments& a, const std::string& path, const Lines& hypotheses,
                   const std::vector<Lines>& references) {
    Scored s{.name = "ROUGE-" + a.types[0],
             .signature = fmt::format("nrefs:{}|refs:best|mean:lines{}|stem:no|version:unroll", references.size(),
                                      a.sentence_end.empty() ? "" : "|ends:" + a.sentence_end)};
    s.of_sum = [](const std::vector<double>& sum) { return sum[0] / sum[1]; };
    std::vector<std::vector<RougeOfLine>> scores(hypotheses.size());
    const auto lines = static_cast<int64_t>(hypotheses.size()), chunks = std::min<int64_t>(lines, kernels::threads());
    kernels::parallel(chunks, [&](int64_t chunk) {
        const auto begin = static_cast<size_t>(kernels::chunk_begin(lines, chunks, chunk));
        const auto end = static_cast<size_t>(kernels::chunk_begin(lines, chunks, chunk + 1));
        for (size_t i = begin; i < end; i++) {
            Lines of_line;
            for (const Lines& stream : references) of_line.push_back(stream[i]);
            try {
                scores[i] = rouge_of_line(a, hypotheses[i], of_line);
            } catch (const Error& e) {
                throw Error("{}: line {}: {}", path, i + 1, e.what());
            }
        }
    });
    for (size_t k = 0; k < a.types.size(); k++) {
        RougeOfLine mean = {};
        for (const std::vector<RougeOfLine>& of_line : scores) {
            const double share = 100 / static_cast<double>(lines);
            mean.best.precision += share * of_line[k].best.precision;
            mean.best.recall += share * of_line[k].best.recall;
            mean.best.f += share * of_line[k].best.f;
            mean.book += share * of_line[k].book;
            if (a.bootstrap.samples > 0 && k == 0) s.segments.push_back({100 * of_line[k].best.f, 1});
        }
        if (k == 0) s.score = mean.best.f;
        const bool by_n = a.types[k][0] != 'L';
        ordered_json& json = s.json["ROUGE-" + a.types[k]];
        json = {{"precision", mean.best.precision}, {"recall", mean.best.recall}, {"f", mean.best.f}};
        if (by_n) json["book"] = mean.book;
        s.details.push_back(fmt::format("ROUGE-{:<4} precision {:.4f}, recall {:.4f}, F {:.4f}{}", a.types[k],
                                        mean.best.precision, mean.best.recall, mean.best.f,
                                        by_n ? fmt::format(", the book's {:.4f}", mean.book) : ""));
    }
    return s;
}

template <class Score>
void run(const Arguments& a, Score score) {
    std::vector<std::string> paths = {a.hypotheses};
    if (!a.compare.empty()) paths.push_back(a.compare);
    const auto first = static_cast<std::ptrdiff_t>(paths.size());
    paths.insert(paths.end(), a.references.begin(), a.references.end());
    std::vector<Lines> files = score::read_files(paths);
    const std::vector<Lines> references(std::make_move_iterator(files.begin() + first),
                                        std::make_move_iterator(files.end()));
    Scored s = score(a, a.hypotheses, files[0], references);
    if (!a.compare.empty()) {
        const Scored other = score(a, a.compare, files[1], references);
        const Comparison c = paired_bootstrap(s.segments, other.segments, s.of_sum, a.bootstrap);
        s.details.push_back(fmt::format(
            "{}: {:.4f}; difference {:+.4f}, {} % of the samples between {:+.4f} and {:+.4f}", a.compare, other.score,
            c.difference.score, 100 * a.bootstrap.confidence, c.difference.low, c.difference.high));
        s.details.push_back(fmt::format("p = {:.4f}; {} is better in {:.1f} % of {} samples", c.p_value, a.compare,
                                        100 * c.b_better, a.bootstrap.samples));
        s.json["compared"] = {{"score", other.score},    {"difference", c.difference.score},
                              {"low", c.difference.low}, {"high", c.difference.high},
                              {"better", c.b_better},    {"p", c.p_value}};
    } else if (a.bootstrap.samples > 0) {
        const Interval i = bootstrap(s.segments, s.of_sum, a.bootstrap);
        s.details.push_back(fmt::format("mean of {} samples {:.4f}, {} % of them between {:.4f} and {:.4f}",
                                        a.bootstrap.samples, i.mean, 100 * a.bootstrap.confidence, i.low, i.high));
        s.json["bootstrap"] = {{"samples", a.bootstrap.samples}, {"mean", i.mean}, {"low", i.low}, {"high", i.high}};
    }
    if (a.json) {
        ordered_json all = {{"name", s.name}, {"score", s.score}, {"signature", s.signature}};
        all.update(s.json);
        return fmt::print("{}\n", all.dump());
    }
    for (const std::string& line : s.details) fmt::print("{}\n", line);
    fmt::print("{} = {:.4f} {}\n", s.name, s.score, s.signature);
}

void common_options(CLI::App* command, Arguments& a) {
    command->add_option("HYP", a.hypotheses)->required();
    command->add_option("REF", a.references)->required();
    command->add_flag("--json", a.json);
    command->add_option("--bootstrap", a.bootstrap.samples)->check(CLI::Range(1, 1'000'000));
    command->add_option("--compare", a.compare);
    command->add_option("--seed", a.bootstrap.seed)->check(lesson::any_seed());
}

std::string known_type(const std::string& type) {
    const bool number =
        !type.empty() && type.size() < 4 && type.find_first_not_of("0123456789") == type.npos && type[0] != '0';
    return number || type == "L" || type == "Lsum" ? "" : type + ": ROUGE's types are 1, 2, .., L and Lsum";
}

}  // namespace

/// Exit status 0; 1 where a file can't be scored, 2 for misuse.
int main(int argc, char** argv) {
    Arguments a;
    CLI::App app("BLEU and ROUGE of files with a segment a line; REF... are several references of each.");
    app.require_subcommand(1);
    CLI::App* bleu = app.add_subcommand("bleu");
    common_options(bleu, a);
    bleu->add_flag("--sentence", a.sentences);
    bleu->add_flag("--lowercase", a.bleu.lowercase);
    bleu->add_flag("--effective-order", a.bleu.effective_order);
    const std::map<std::string, Tokeniser> tokenisers = {
        {"13a", Tokeniser::v13a}, {"none", Tokeniser::none}, {"char", Tokeniser::characters}};
    const std::map<std::string, Smoothing> smoothings = {
        {"exp", Smoothing::exp}, {"floor", Smoothing::floor}, {"add-k", Smoothing::add_k}, {"none", Smoothing::none}};
    std::string tokenize = "13a", smooth_method = "exp";
    bleu->add_option("--tokenize", tokenize)->check(CLI::IsMember(tokenisers));
    bleu->add_option("--smooth-method", smooth_method)->check(CLI::IsMember(smoothings));
    bleu->add_option("--smooth-value", a.bleu.smooth_value)->check(lesson::number(0, 1000));
    bleu->add_option("--max-ngram-order", a.bleu.max_n)->check(CLI::Range(1, 100));
    bleu->add_option("--weights", a.bleu.weights)->delimiter(',')->allow_extra_args(false);
    CLI::App* rouge = app.add_subcommand("rouge");
    common_options(rouge, a);
    rouge->add_option("--types", a.types)
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(CLI::Validator([](std::string& t) { return known_type(t); }, "TYPE"));
    rouge->add_option("--sentence-end", a.sentence_end);
    try {
        app.parse(argc, argv);
        a.bleu.tokeniser = tokenisers.at(tokenize), a.bleu.smoothing = smoothings.at(smooth_method);
        if (!a.compare.empty() && a.bootstrap.samples == 0) a.bootstrap.samples = 1000;
        Bleu checked(a.bleu);
    } catch (const CLI::CallForHelp&) {
        fmt::print("{}", usage);
        return 0;
    } catch (const std::exception& e) {
        fmt::print(stderr, "{}\n{}", e.what(), usage);
        return 2;
    }
    try {
        run(a, bleu->parsed() ? score_bleu : score_rouge);
        if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw Error("standard output: can't be written");
        return 0;
    } catch (const std::exception& e) {
        fmt::print(stderr, "{}\n", e.what());
        return 1;
    }
}
