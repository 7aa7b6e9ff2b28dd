// build/tutorials/caption: trains a captioner, captions pictures, and evaluates captions.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "core/kernels/parallel.hpp"
#include "nn/checkpoint.hpp"
#include "tutorials/captions/looks.hpp"
#include "tutorials/captions/set.hpp"
#include "tutorials/lesson/checks.hpp"
#include "tutorials/lesson/door.hpp"
#include "tutorials/lesson/page.hpp"
#include "tutorials/lesson/web_libs.hpp"
#include "tutorials/pairs/program.hpp"

using namespace unroll;

namespace {

struct Call {
    std::string folder, part = "test", page, sampling = "none";
    CaptionFiles files{.data = UNROLL_ROOT "/data"};
    std::vector<std::string> pictures;
    int64_t size = 32, passes = 180, steps = 0, min_count = 1;
    bool plain = false, list = false;
    double last_epsilon = 0.75;
    uint64_t seed = 1;
    DecodeOptions decode = {.beam_width = 1};
};

CaptionSet load(const Call& call, const std::string& part, int64_t size) {
    CaptionSet set = load_part(call.files, part, size);
    for (const std::string& message : set.skipped) fmt::print(stderr, "caption: skipped: {}\n", message);
    return set;
}

/// The decay that ends at epsilon = last after all steps.
std::optional<ScheduledSampling> schedule(const std::string& name, int64_t steps, double last) {
    const double n = double(std::max<int64_t>(steps, 1));
    if (name == "linear") return ScheduledSampling{ScheduledSampling::linear, 1, (1 - last) / n, last};
    if (name == "exponential") return ScheduledSampling{ScheduledSampling::exponential, std::pow(last, 1 / n)};
    if (name != "inverse_sigmoid") return {};
    double low = 1, high = 1e9;  // it falls the later the larger k is
    for (int i = 0; i < 200; i++) {
        const double k = (low + high) / 2;
        (ScheduledSampling{ScheduledSampling::inverse_sigmoid, k}.epsilon(steps) < last ? low : high) = k;
    }
    return ScheduledSampling{ScheduledSampling::inverse_sigmoid, high};
}

bool train(const Call& call) {
    const std::string checkpoint = call.folder + "/model";
    const CaptionSet train = load(call, "train", call.size), valid = load(call, "valid", call.size);
    CaptionRecipe r = caption_recipe(int64_t(train.list.size()), call.size);
    r.captioner.min_count = call.min_count;
    r.captioner.network.attention = !call.plain;
    Generator gen(call.seed);
    Captioner captioner(train.list, r.captioner, gen);
    const CaptionIds learnt = captioner.ids(train.pictures, train.list),
                     others = captioner.ids(valid.pictures, valid.list);
    const auto pass = (int64_t(learnt.pairs.targets.size()) + 31) / 32;
    r.training.steps = call.steps > 0 ? call.steps : call.passes * pass;
    r.training.warm_up = std::min(pass, r.training.steps / 10);
    r.training.validate_every = 5 * pass;
    r.training.sampling = schedule(call.sampling, r.training.steps, call.last_epsilon);
    r.batches.seed = call.seed;
    lesson::door::prepare_file(checkpoint);
    CaptionTrainer trainer(captioner.model, learnt, others, captioner.unknown(), captioner.batches(r.batches),
                           r.training);
    if (std::filesystem::exists(checkpoint))
        trainer.resume(checkpoint);
    else
        captioner.save_text(call.folder);
    fmt::print("{}\n{} pictures, {} captions, {} steps of {} batches a pass\n", captioner.model.pretty(),
               train.pictures.size(), learnt.pairs.targets.size(), r.training.steps, trainer.batches());
    auto configuration = captioner.configuration();
    configuration["set"] = call.files.captions.empty() ? call.files.set : "";
    configuration["lowercase"] = call.files.lowercase ? "yes" : "no";
    configuration["captions file"] = call.files.captions, configuration["pictures folder"] = call.files.pictures;
    return run_training(trainer, r.training.steps, checkpoint, configuration);
}

void evaluate(Call call, bool set_given) {
    const Captioner captioner = Captioner::load(call.folder);
    auto written = load_configuration(call.folder + "/model");
    call.files.lowercase = written["lowercase"] == "yes";
    if (!set_given) {
        call.files.set = written["set"];
        call.files.captions = written["captions file"], call.files.pictures = written["pictures folder"];
    }
    const bool same = call.files.captions == written["captions file"] &&
                      (!call.files.captions.empty() || call.files.set == written["set"]);
    const int64_t size = captioner.model.options().picture_size;
    const CaptionSet test = load(call, call.part, size);
    const auto captions = captioner.caption(test.pictures, call.decode);
    std::vector<std::string> nearest(captions.size());  // only where the pictures learnt from are those of the same set
    if (same) nearest = nearest_captions(test.pictures, load(call, "train", size));
    if (call.list)
        for (size_t i = 0; i < captions.size(); i++)
            fmt::print("{} {}\n  {}\n  {}\n  {}\n", test.list[i].file,
                       captions[i] == test.list[i].captions[0] ? "" : "*", captions[i], test.list[i].captions[0],
                       nearest[i]);
    const bool parts = std::any_of(test.list.begin(), test.list.end(), [](const auto& p) { return !p.base.empty(); });
    fmt::print("{} pictures of {}, beam {}\n{:<28} exact {}  BLEU ({})\n", test.list.size(), call.part,
               call.decode.beam_width, "", parts ? "  base  attributes" : "", bleu_signature(test.list));
    for (const auto& [name, made] : {std::pair{"captioner", &captions}, {"nearest neighbour (pixels)", &nearest}}) {
        if (made == &nearest && !same) continue;
        const CaptionScore s = judge(*made, test.list);
        const std::string of_parts = parts ? fmt::format("{:>6.1f}  {:>10.1f}", s.base, s.attributes) : "";
        fmt::print("{:<28} {:>5.1f} {}  {:.1f}\n", name, s.exact, of_parts, s.bleu);
    }
}

/// False where one of the pictures can't be read; the others are captioned.
bool describe(const Call& call) {
    const Captioner captioner = Captioner::load(call.folder);
    std::vector<Picture> pictures;
    std::vector<std::string> files;
    for (const std::string& file : call.pictures) try {
            pictures.push_back(
                squared(load_picture(file, {.pixels = call.files.pixels}), captioner.model.options().picture_size));
            files.push_back(file);
        } catch (const Error& error) {
            fmt::print(stderr, "caption: {}\n", error.what());
        }
    const auto captions = captioner.caption(pictures, call.decode);
    lesson::Page page("05", "Pictures and their captions", lesson::web_libs_folder());
    for (size_t i = 0; i < captions.size(); i++) {
        const auto words = captioner.score(pictures[i], captions[i]);
        double log_p = 0;
        for (const auto& w : words) log_p += w.log_prob;
        fmt::print("{}: {}  (log P {:.2f})\n", files[i], captions[i], log_p);
        page.section({std::filesystem::path(files[i]).filename().string()});
        page.looks(looks_of(captioner, pictures[i], captions[i]));
    }
    if (!call.page.empty() && !files.empty()) {
        lesson::door::replace_file(call.page, page.document({{"captioner", call.folder}}));
        fmt::print("{}\n", call.page);
    }
    return files.size() == call.pictures.size();
}

}  // namespace

int main(int argc, char** argv) try {
    Call call;
    int threads = kernels::threads();
    CLI::App app("A captioner: trained on pictures and what is said of them, by the model of chapter 05.", "caption");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--threads", threads, "of every kernel")->check(CLI::Range(1, 256));
    CLI::App* train = app.add_subcommand("train", "trains, or goes on from FOLDER; Ctrl-C stops it with a checkpoint");
    CLI::App* picture = app.add_subcommand("picture", "captions pictures of your own");
    CLI::App* evaluate = app.add_subcommand("evaluate", "measures it on pictures that it has not learnt from");
    for (CLI::App* sub : {train, picture, evaluate})
        sub->add_option("FOLDER", call.folder, "of the captioner")->required();
    for (CLI::App* sub : {train, evaluate}) {
        sub->add_option("--set", call.files.set, "emoji-captions of data/");
        sub->add_option("--data", call.files.data, "where the data sets are");
        CLI::Option* captions = sub->add_option("--captions", call.files.captions,
                                                "your own: Flickr8k's token.txt or captions.txt, COCO's "
                                                "captions_*.json, Karpathy's dataset_*.json, a table");
        CLI::Option* folder = sub->add_option("--pictures", call.files.pictures, "the folder of their pictures");
        captions->needs(folder), folder->needs(captions);
        sub->add_flag("--skip-damaged", call.files.skip_damaged, "go on without pictures that can't be read");
    }
    train->add_option("--size", call.size, "of the pictures, which are made squares")->check(CLI::Range(8, 1024));
    train->add_option("--passes", call.passes, "over the captions")->check(CLI::Range(1, 1000000));
    train->add_option("--steps", call.steps, "of a batch, in place of passes")->check(CLI::Range(1, 100000000));
    train->add_option("--min-count", call.min_count, "words seen less often are unknown")
        ->check(CLI::Range(1, 1000000));
    train->add_flag("--lowercase", call.files.lowercase, "captions in small letters");
    train->add_flag("--plain", call.plain, "the same v at each step in place of spatial attention");
    train->add_option("--sampling", call.sampling, "scheduled sampling's decay")
        ->check(CLI::IsMember({"none", "linear", "exponential", "inverse_sigmoid"}));
    train->add_option("--last-epsilon", call.last_epsilon, "of scheduled sampling, after the last step")
        ->check(lesson::number(0.01, 0.99));
    train->add_option("--seed", call.seed, "of everything random")->check(lesson::any_seed());
    evaluate->add_option("--part", call.part, "of the set: valid, test, test_pair");
    evaluate->add_flag("--list", call.list, "each picture's caption, the true one, and that of the nearest neighbour");
    picture->add_option("--page", call.page, "write a page that shows where each word looked");
    for (CLI::App* sub : {train, picture, evaluate})
        sub->add_option("--max-pixels", call.files.pixels, "a picture of more is refused before it is decoded")
            ->check(lesson::whole_number(1, int64_t{1} << 32));
    picture->add_option("FILE", call.pictures, "PNG or JPEG")->required();
    for (CLI::App* sub : {picture, evaluate})
        sub->add_option("--beam", call.decode.beam_width, "1 is greedy")->check(CLI::Range(1, 10000));
    if (const auto status = parse(app, "train|picture|evaluate FOLDER [options]", argc, argv)) return *status;
    kernels::set_threads(threads);
    bool ended = true;
    if (train->parsed()) {
        ended = ::train(call);
    } else if (evaluate->parsed()) {
        ::evaluate(call, evaluate->count("--set") + evaluate->count("--captions") > 0);
    } else {
        const bool all = describe(call);
        flush();
        return all ? 0 : 1;
    }
    flush();
    return ended ? 0 : 130;
} catch (const std::exception& error) {
    fmt::print(stderr, "caption: {}\n", error.what());
    return 1;
}
