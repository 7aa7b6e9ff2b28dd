#include "nn/checkpoint.hpp"

#include <charconv>
#include <set>
#include <utility>

#include "nn/mismatch.hpp"

namespace unroll {
namespace {

// Weights have their plain names in a file, what else a checkpoint holds begins with a word and a colon.
const std::string optimizer_mark = "optimizer:", number_mark = "number:", tensor_mark = "tensor:";
const std::string configuration_mark = "configuration:";

using Named = std::vector<std::pair<std::string, Tensor>>;

bool begins(const std::string& text, const std::string& mark) { return text.compare(0, mark.size(), mark) == 0; }

Named weights_of(const char* operation, Module& module, Where at) {
    Named weights;
    for (const Parameter& p : parameters(module, at)) {
        if (p.name.find(':') != std::string::npos)
            fail(operation, at, "the parameter's name {} has a colon, which files keep for others", p.name);
        weights.emplace_back(p.name, p.value);
    }
    for (auto& buffer : buffers(module)) weights.push_back(std::move(buffer));
    return weights;
}

std::string describe(const Tensor& t) { return t.shape().str() + " " + to_string(t.dtype()); }

/// What of a file goes where, compared first and copied then.
class Loading {
  public:
    Loading(const char* operation, const SafeTensors& file, Where at) : operation_(operation), file_(file), at_(at) {}

    /// Each target gets the file's tensor mark + name; the file must hold no other with this mark (no mark: no colon).
    void add(const std::string& mark, const Named& targets) {
        std::set<std::string> wanted;
        for (const auto& [name, target] : targets) {
            wanted.insert(mark + name);
            const Tensor* source = differences_.find(file_, mark + name);
            if (source == nullptr) continue;
            if (source->shape() == target.shape() && source->dtype() == target.dtype())
                copies_.emplace_back(target, *source);
            else
                differ(fmt::format("{} is {} in the file, {} here", mark + name, describe(*source), describe(target)));
        }
        for (const auto& [name, value] : file_.tensors)
            if ((mark.empty() ? name.find(':') == std::string::npos : begins(name, mark)) && wanted.count(name) == 0)
                differ(in_quotes(name) + " is in the file only");
    }
    void differ(const std::string& difference) { differences_.add(difference); }
    void check() const { differences_.check(operation_, at_, file_.path); }
    void copy() {
        for (auto& [target, source] : copies_) target.copy_from(source);
    }

  private:
    const char* operation_;
    const SafeTensors& file_;
    Where at_;
    Mismatches differences_;
    std::vector<std::pair<Tensor, Tensor>> copies_;
};

std::string write(const Generator::State& s) { return fmt::format("{} {} {}", s.seed, s.stream, s.counter); }

/// False where it isn't three numbers of 64 bits.
bool read(const std::string& text, Generator::State* s) {
    const char *p = text.data(), *end = p + text.size();
    for (uint64_t* number : {&s->seed, &s->stream, &s->counter}) {
        if (number != &s->seed && (p == end || *p++ != ' ')) return false;
        const auto result = std::from_chars(p, end, *number);
        if (result.ec != std::errc()) return false;
        p = result.ptr;
    }
    return p == end;
}

}  // namespace

void save_weights(const std::string& path, Module& module, Where at) {
    SafeTensors file;
    for (auto& [name, value] : weights_of("save_weights", module, at)) file.tensors[name] = value;
    save_safetensors(path, file);
}

void load_weights(const std::string& path, Module& module, Where at) {
    const SafeTensors file = load_safetensors(path);
    Loading loading("load_weights", file, at);
    loading.add("", weights_of("load_weights", module, at));
    loading.check();
    loading.copy();
}

void save_checkpoint(const std::string& path, Module& module, const Optimizer& optimizer, const Generator& generator,
                     const Progress& progress, Where at) {
    SafeTensors file;
    for (auto& [name, value] : weights_of("save_checkpoint", module, at)) file.tensors[name] = value;
    for (auto& [name, value] : optimizer.state()) file.tensors[optimizer_mark + name] = value;
    for (auto& [name, value] : progress.numbers) file.tensors[number_mark + name] = Tensor::full({}, value, DType::f64);
    for (auto& [name, value] : progress.tensors) file.tensors[tensor_mark + name] = value;
    for (auto& [name, value] : progress.configuration) file.metadata[configuration_mark + name] = value;
    file.metadata["optimizer"] = optimizer.name();
    file.metadata["generator"] = write(generator.state());
    save_safetensors(path, file);
}

static std::map<std::string, std::string> configuration_of(const SafeTensors& file) {
    std::map<std::string, std::string> configuration;
    for (const auto& [name, value] : file.metadata)
        if (begins(name, configuration_mark)) configuration[name.substr(configuration_mark.size())] = value;
    return configuration;
}

Progress load_checkpoint(const std::string& path, Module& module, Optimizer& optimizer, Generator& generator,
                         Where at) {
    const SafeTensors file = load_safetensors(path);
    Loading loading("load_checkpoint", file, at);
    const std::string& kind = file.setting("optimizer");
    Generator::State state{};
    if (!read(file.setting("generator"), &state)) loading.differ("the generator's state is not three whole numbers");
    loading.add("", weights_of("load_checkpoint", module, at));
    if (kind == optimizer.name())
        loading.add(optimizer_mark, optimizer.state());
    else
        loading.differ(fmt::format("the optimiser is {} in the file, {} here", in_quotes(kind), optimizer.name()));
    Progress progress{.path = path};
    for (const auto& [name, value] : file.tensors) {
        const Tensor* t = std::get_if<Tensor>(&value);
        const bool number = begins(name, number_mark), tensor = begins(name, tensor_mark);
        if ((number || tensor) && (t == nullptr || (number && t->size() != 1)))
            loading.differ(in_quotes(name) + " is of a kind that no checkpoint has");
        else if (number)
            progress.numbers[name.substr(number_mark.size())] = t->item();
        else if (tensor)
            progress.tensors[name.substr(tensor_mark.size())] = *t;
    }
    progress.configuration = configuration_of(file);
    loading.check();
    loading.copy();
    generator.restore(state);
    return progress;
}

std::map<std::string, std::string> load_configuration(const std::string& path) {
    return configuration_of(load_safetensors(path));
}

void check_configuration(const std::string& path, const std::map<std::string, std::string>& ours) {
    auto theirs = load_configuration(path);
    const auto check = [&](const std::string& key, const std::string& value) {
        if (theirs[key] != value)
            throw Error("{}: a checkpoint of another run: its {} is \"{}\", expected \"{}\"", path, key, theirs[key],
                        value);
    };
    if (const auto model = ours.find("model"); model != ours.end()) check(model->first, model->second);  // says most
    for (const auto& [key, value] : ours) check(key, value);
}

double Progress::number(const std::string& name) const {
    const auto found = numbers.find(name);
    if (found == numbers.end()) throw Error("{}: there is no {}{}", path, number_mark, name);
    return found->second;
}

const Tensor& Progress::tensor(const std::string& name) const {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw Error("{}: there is no {}{}", path, tensor_mark, name);
    return found->second;
}

}  // namespace unroll
