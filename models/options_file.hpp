#pragma once
#include <cmath>
#include <cstdlib>
#include <map>
#include <new>
#include <string>

#include "core/file.hpp"
#include "data/vocabulary.hpp"
#include "nn/checkpoint.hpp"

/// A model's options in its checkpoint, each number under its name. each(f) calls f(name, option) for all of them, or
/// f(name, option, most): they are 0 to `most`, 2^24 where it is not told, and whole unless they are double.
namespace unroll {

template <class Each>
std::map<std::string, std::string> options_as_text(Each each) {
    std::map<std::string, std::string> numbers;
    each([&](const char* name, auto value, double = 0) { numbers[name] = fmt::format("{}", double(value)); });
    return numbers;
}

/// Throws Error("PATH: no checkpoint of a MODEL: ..").
template <class Each>
void load_options(const std::string& path, const char* model, Each each) {
    const auto numbers = load_configuration(path);
    each([&](const char* name, auto& value, double most = 1 << 24) {
        using T = std::decay_t<decltype(value)>;
        const auto found = numbers.find(name);
        char* end = nullptr;  // strtod: libc++ 14 has no from_chars for double
        const double number = found == numbers.end() ? 0 : std::strtod(found->second.c_str(), &end);
        if (end == nullptr || end == found->second.c_str() || *end != 0)
            throw Error("{}: no checkpoint of a {}: its {} is missing or no number", path, model, name);
        if constexpr (std::is_same_v<T, bool>) most = 1;
        if (!(number >= 0 && number <= most) || (!std::is_same_v<T, double> && number != std::floor(number)))
            throw Error("{}: no checkpoint of a {}: its {} is {}", path, model, name, number);
        value = static_cast<T>(number);
    });
}

/// The model of these options with the file's weights. Options of a model far larger than the file cost no memory.
template <class Model, class Options>
Model load_model(const std::string& path, const Options& options) try {
    Generator gen(1);
    const int64_t most = 4 * InputFile(path).size() + (64 << 20);
    Model model = [&] {
        const MemoryLimit limit(most);
        return Model(options, gen);
    }();
    load_weights(path, model);
    return model;
} catch (const std::bad_alloc&) {
    throw Error("{}: its model would be far larger than its weights, or than the memory there is", path);
} catch (const std::exception& error) {
    if (std::string(error.what()).find(path) != std::string::npos) throw;
    throw Error("{}: {}", path, error.what());
}

/// Throws Error where a vocabulary of a model has another size, or lacks one of the four that sentences need.
inline Vocabulary load_vocabulary(const std::string& path, int64_t size) {
    Vocabulary words = Vocabulary::load(path);
    if (words.size() != size) throw Error("{}: {} pieces, the model has {}", path, words.size(), size);
    if (std::min({words.pad(), words.bos(), words.eos(), words.unk()}) < 0)
        throw Error("{}: without <pad>, <bos>, <eos> or <unk>", path);
    return words;
}

}  // namespace unroll
