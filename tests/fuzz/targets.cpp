// Every reader of files against whatever bytes, by libFuzzer: build/tests/fuzz --target=NAME FOLDER.. [-runs=N ..].
// A reader gives something that makes sense, which saved and read again is the same, or throws an Error of one short
// line that names the file. Anything else is a finding: another exception, a crash, more memory or time than allowed.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "core/file.hpp"
#include "core/safetensors.hpp"
#include "data/bpe.hpp"
#include "data/captions.hpp"
#include "data/features.hpp"
#include "data/text.hpp"
#include "models/options_file.hpp"
#include "nn/linear.hpp"
#include "nn/optim.hpp"
#include "tests/fuzz/checksums.hpp"

using namespace unroll;

namespace {

void expect(bool good, const std::string& what) {
    if (good) return;
    std::fprintf(stderr, "finding: %s\n", what.c_str());
    std::abort();
}

/// A file in memory, written anew for every input.
class Input {
  public:
    Input() : fd_(memfd_create("input", 0)), path(fmt::format("/proc/self/fd/{}", fd_)) { expect(fd_ >= 0, "memfd"); }
    void write(std::string_view bytes) const {
        expect(ftruncate(fd_, 0) == 0 && pwrite(fd_, bytes.data(), bytes.size(), 0) == ssize_t(bytes.size()), "write");
    }

  private:
    int fd_;

  public:
    const std::string path;
};

/// Where what was read is saved again; gone at the end.
struct Folder {
    const std::filesystem::path path = std::filesystem::temp_directory_path() / fmt::format("fuzz-{}", getpid());
    Folder() { std::filesystem::create_directory(path); }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string operator/(const std::string& name) const { return (path / name).string(); }
};
const Folder& folder() {
    static const Folder one;
    return one;
}

void check_message(const std::string& message, const std::string& name) {
    const bool one_line = std::none_of(message.begin(), message.end(), [](char c) { return c >= 0 && c < ' '; });
    expect(one_line, "a message of several lines: " + message);
    expect(message.find(name) != std::string::npos, "a message that does not name the file: " + message);
    expect(message.size() < 700, "a long message: " + message);
}

/// Reads, and judges what came of it.
template <class Load, class Check>
void judge(const std::string& name, Load load, Check check) {
    std::optional<decltype(load())> value;
    try {
        value.emplace(load());
    } catch (const Error& e) {
        check_message(e.what(), name);
        return;
    }
    check(*value);
}

using Bytes = std::string_view;
std::string content(const std::string& path) { return read_file(path); }

void safetensors(const std::string& path, Bytes) {
    judge(
        path, [&] { return load_safetensors(path); },
        [&](const SafeTensors& file) {
            const std::string first = folder() / "first", second = folder() / "second";
            save_safetensors(first, file);
            const SafeTensors again = load_safetensors(first);
            expect(again.metadata == file.metadata && again.tensors.size() == file.tensors.size(), "other names");
            for (const auto& [key, value] : file.tensors)
                if (const Tensor* t = std::get_if<Tensor>(&value))
                    expect(t->shape() == again.tensor(key).shape() && t->dtype() == again.tensor(key).dtype(), key);
            save_safetensors(second, again);
            expect(content(first) == content(second), "saved again it differs");
        });
}

struct Run {
    Generator generator{1};
    Linear module{{.in = 2, .out = 1}, generator};
    Sgd optimizer{parameters(module), {.momentum = 0.9}};
};

void checkpoint(const std::string& path, Bytes) {
    Run run;
    judge(
        path, [&] { return load_checkpoint(path, run.module, run.optimizer, run.generator); },
        [&](const Progress& progress) {
            const std::string first = folder() / "first", second = folder() / "second";
            save_checkpoint(first, run.module, run.optimizer, run.generator, progress);
            Run other;
            const Progress again = load_checkpoint(first, other.module, other.optimizer, other.generator);
            save_checkpoint(second, other.module, other.optimizer, other.generator, again);
            expect(content(first) == content(second), "saved again it differs");
        });
}

void options(const std::string& path, Bytes) {
    struct Options {
        int64_t size = 0;
        double dropout = 0;
        bool tied = false;
        DType dtype = DType::f32;
    };
    const auto each = [](Options& o, auto f) {
        f("size", o.size), f("dropout", o.dropout, 1), f("tied", o.tied), f("dtype", o.dtype, 1);
    };
    const auto load = [&] {
        Options o;
        load_options(path, "model", [&](auto f) { each(o, f); });
        return o;
    };
    judge(path, load, [](const Options& o) {
        expect(o.size >= 0 && o.size <= 1 << 24 && o.dropout >= 0 && o.dropout <= 1, "options out of range");
    });
}

void vocabulary(const std::string& path, Bytes) {
    judge(
        path, [&] { return Vocabulary::load(path); },
        [](const Vocabulary& v) {
            v.save(folder() / "saved");
            expect(Vocabulary::load(folder() / "saved").tokens() == v.tokens(), "saved again it differs");
        });
}

void bpe(const std::string& path, Bytes bytes) {
    judge(
        path, [&] { return Bpe::load(path); },
        [&](const Bpe& b) {
            b.save(folder() / "saved");
            expect(Bpe::load(folder() / "saved").pieces() == b.pieces(), "saved again it differs");
            const std::string text = encode_utf8(decode_utf8(bytes, "x"));
            expect(b.decode(b.encode(text)) == text, "encoded and decoded it differs");
        });
}

void utf8(const std::string& path, Bytes bytes) {
    judge(
        path, [&] { return decode_utf8(bytes, path); },
        [&](const std::vector<char32_t>& text) {
            std::string expected(bytes.substr(0, 3) == "\xEF\xBB\xBF" ? bytes.substr(3) : bytes);
            for (size_t i; (i = expected.find("\r\n")) != expected.npos;) expected.erase(i, 1);
            std::string again = encode_utf8(text);
            for (size_t i; (i = again.find("\r\n")) != again.npos;) again.erase(i, 1);
            expect(again == expected, "encoded again it differs");
            to_lower(encode_utf8(text));
            for (const Tokenizer& words : {characters, whitespace_words, simple_words, punctuation_words})
                for (const std::string& word : words(again)) expect(!word.empty(), "an empty word");
        });
    judge(
        path, [&] { return read_lines(path); },
        [](const std::vector<std::string>& lines) {
            for (const std::string& line : lines) expect(line.find('\n') == line.npos, "a line feed in a line");
        });
}

void text(const std::string& path, Bytes) {
    judge(
        path, [&] { return load_text(path); },
        [](const TextCorpus& c) {
            expect(c.train.size() > 1 && c.valid.size() > 1 && c.test.size() > 1, "a part without text");
        });
}

void check_tokens(const TokenCorpus& c) {
    for (const auto* part : {&c.train, &c.valid, &c.test}) {
        expect(part->size() > 1, "a part without words");
        for (const int32_t id : *part) expect(id >= 0 && id < c.vocabulary.size(), "a word that is none");
    }
}

void words(const std::string& path, Bytes) {
    for (const bool lower : {false, true})
        judge(
            path, [&] { return load_tokens(path, {.tokenizer = simple_words, .lower = lower}); }, check_tokens);
}

/// WikiText as numbers: of the bytes those before the first 0 are the vocabulary, those behind it each of the parts.
void word_ids(const std::string&, Bytes bytes) {
    static const Input vocabulary, ids;
    static const std::string corpus = [] {
        const std::string path = folder() / "corpus";
        std::filesystem::create_directory(path);
        std::filesystem::create_symlink(vocabulary.path, path + "/vocab.txt");
        for (const char* part : {"train", "valid", "test"})
            std::filesystem::create_symlink(ids.path, fmt::format("{}/{}.u16", path, part));
        return path;
    }();
    const size_t zero = std::min(bytes.find('\0'), bytes.size());
    vocabulary.write(bytes.substr(0, zero));
    ids.write(bytes.substr(std::min(zero + 1, bytes.size())));
    judge(
        corpus, [&] { return load_tokens(corpus); }, check_tokens);
}

void pairs(const std::string& path, Bytes) {
    for (const PairColumns& columns : {PairColumns{0, 1}, PairColumns{3, 2}})
        judge(
            path, [&] { return load_pairs(path, columns); },
            [](const std::vector<TextPair>& all) {
                expect(!all.empty(), "no pairs");
                for (const TextPair& p : all)
                    expect(!p.source.empty() && !p.target.empty() && p.source.find('\t') == std::string::npos,
                           "an empty side");
            });
}

/// All formats: which one it is, the reader sees from the content.
void captions(const std::string& path, Bytes) {
    judge(
        path, [&] { return load_captions(path); },
        [](const std::vector<CaptionedPicture>& list) {
            std::set<std::string> names;
            expect(!list.empty(), "no pictures");
            for (const CaptionedPicture& p : list) {
                expect(!p.file.empty() && names.insert(p.file).second, "a picture without a name, or twice");
                expect(!p.captions.empty(), "a picture without captions");
                for (const std::string& c : p.captions)
                    expect(!c.empty() && c.find_first_of(" \t\r\n") != 0, "an empty caption");
            }
        });
}

constexpr PictureLimits small = {.pixels = 1 << 16, .bytes = 1 << 20};

void picture(const std::string& path, Bytes bytes) {
    const auto check = [](const Picture& p) {
        expect(p.height > 0 && p.width > 0 && p.height * p.width <= small.pixels &&
                   int64_t(p.pixels.size()) == p.height * p.width * 3,
               "other pixels than the size says");
        expect(squared(p, 4).pixels.size() == 48, "squared");
    };
    judge(
        path, [&] { return load_picture(path, small); }, check);
    const std::string repaired = with_checksums(bytes);  // else hardly any PNG gets past the first look
    if (repaired != bytes)
        judge(
            "name", [&] { return decode_picture(repaired, "name", small); }, check);
}

void sound(const std::string& path, Bytes) {
    judge(
        path, [&] { return load_sound(path, 60); },
        [](const Sound& s) {
            const auto finite = [](float x) { return std::isfinite(x); };
            expect(s.rate > 0 && !s.samples.empty() && std::all_of(s.samples.begin(), s.samples.end(), finite),
                   "samples");
            expect(decode_sound(encode_sound(s), "saved").samples.size() == s.samples.size(), "saved again it differs");
            if (s.rate < 50000 && s.samples.size() < 50000) expect(!has_nonfinite(log_mel(s)), "features");
        });
}

using Target = void (*)(const std::string& path, Bytes bytes);
const std::map<std::string, Target> targets = {
    {"safetensors", safetensors},
    {"checkpoint", checkpoint},
    {"options", options},
    {"vocabulary", vocabulary},
    {"bpe", bpe},
    {"utf8", utf8},
    {"text", text},
    {"words", words},
    {"word_ids", word_ids},
    {"pairs", pairs},
    {"captions", captions},
    {"picture", picture},
    {"sound", sound},
};
Target target = nullptr;

}  // namespace

/// libFuzzer leaves alone what begins with two dashes.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    const std::string option = "--target=";
    for (int i = 1; i < *argc; i++)
        if (std::strncmp((*argv)[i], option.c_str(), option.size()) == 0)
            if (const auto found = targets.find((*argv)[i] + option.size()); found != targets.end())
                target = found->second;
    if (target != nullptr) return 0;
    for (const auto& [name, function] : targets) std::fprintf(stderr, "--target=%s\n", name.c_str());
    std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Input input;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    input.write(bytes);
    target(input.path, bytes);
    return 0;
}
