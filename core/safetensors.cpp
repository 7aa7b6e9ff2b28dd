#include "core/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <vector>

#include "core/file.hpp"

namespace unroll {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

using nlohmann::json;

const std::string metadata_key = "__metadata__";
constexpr uint64_t longest_header = 100'000'000;  // the reference implementation's limit
constexpr uint64_t most_elements = uint64_t{1} << 48;

struct Entry {  // of the header
    std::string name, dtype;
    Shape shape;
    uint64_t begin = 0, end = 0;  // bytes, from the end of the header
};

/// Of the types that can be read, 0 for others.
uint64_t bytes_of_element(const std::string& dtype) {
    return dtype == "F32" || dtype == "I32" ? 4 : dtype == "F64" || dtype == "I64" ? 8 : 0;
}

/// The header as JSON. nlohmann's parser keeps its own stack, and here stops at the first bracket too deep. What
/// watches keeps nothing, and the text is parsed again: an object that is watched is searched at the end of each one in
/// it.
json parse_json(const std::string& text, const std::string& path) {
    std::set<std::string> keys[3];  // of the object open at each depth
    const auto watch = [&](int depth, json::parse_event_t event, json& value) {
        using Event = json::parse_event_t;
        if ((event == Event::object_start || event == Event::array_start) && depth > 2)
            throw Error(path + ": header: nested deeper than any safetensors file");
        if (event == Event::object_start) keys[depth].clear();
        if (event == Event::key && !keys[depth - 1].insert(value.get<std::string>()).second)
            throw Error("{}: header: {} comes twice", path, in_quotes(value.get<std::string>()));
        return event != Event::key;
    };
    try {
        json parsed = json::parse(text, watch);  // without what it watched: keys
        return parsed = json::parse(text);
    } catch (const json::parse_error& e) {
        // "[...] parse error at line 1, column 7: syntax error while parsing ...; last read: '...'". What was read last
        // may be anything, the rest is plain.
        std::string what = e.what();
        what = what.substr(0, what.find("; last read"));
        throw Error("{}: byte {}: {}", path, e.byte + 7, what.substr(what.find(": ") + 2));
    } catch (const json::exception&) {
        throw Error(path + ": header: a number is out of range");
    }
}

bool are_sizes(const json& list) {
    return list.is_array() &&
           std::all_of(list.begin(), list.end(), [](const json& n) { return n.is_number_unsigned(); });
}

/// One tensor's entry, checked by itself.
Entry read_entry(const std::string& name, const json& value, const std::string& path) {
    const auto wrong = [&](const std::string& what) { throw Error("{}: tensor {}: {}", path, in_quotes(name), what); };
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value["dtype"].is_string() ||
        !value.contains("shape") || !are_sizes(value["shape"]) || !value.contains("data_offsets") ||
        !are_sizes(value["data_offsets"]) || value["data_offsets"].size() != 2)
        wrong("expected a dtype, a shape of whole numbers and two data_offsets, and nothing else");
    Entry e{name, value["dtype"], {}, value["data_offsets"][0], value["data_offsets"][1]};
    const uint64_t element = bytes_of_element(e.dtype);
    if (element == 0) wrong(fmt::format("is of type {}: only F32, F64, I64 and I32 can be read", in_quotes(e.dtype)));
    if (value["shape"].size() > Shape::max_rank) wrong("has more than 4 dimensions");
    uint64_t elements = 1;
    for (const uint64_t n : value["shape"]) {
        if (n > most_elements || (elements != 0 && n > most_elements / elements)) wrong("has more than 2^48 elements");
        elements *= n;
        e.shape = e.shape.append(int64_t(n));
    }
    if (e.begin > e.end || e.end - e.begin != elements * element)
        wrong(fmt::format("data_offsets {} to {}, but {} {} takes {} bytes", e.begin, e.end, e.dtype, e.shape.str(),
                          elements * element));
    return e;
}

/// The header's entries in the order of their data, which fill `bytes` without hole or overlap.
std::vector<Entry> read_header(const std::string& text, uint64_t bytes, const std::string& path,
                               std::map<std::string, std::string>& metadata) {
    const json header = parse_json(text, path);
    if (!header.is_object()) throw Error(path + ": header: not an object");
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
        if (name != metadata_key) {
            entries.push_back(read_entry(name, value, path));
            continue;
        }
        if (!value.is_object()) throw Error("{}: {}: not an object", path, metadata_key);
        for (const auto& [key, text_value] : value.items()) {
            if (!text_value.is_string()) throw Error("{}: {}: {} is not a string", path, metadata_key, in_quotes(key));
            metadata[key] = text_value;
        }
    }
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    uint64_t end = 0;
    for (const Entry& e : entries) {
        if (e.begin != end)
            throw Error("{}: tensor {}: begins at byte {} of the data where the one before ends at {}", path,
                        in_quotes(e.name), e.begin, end);
        end = e.end;
    }
    if (end != bytes) throw Error("{}: {} bytes of data where the header announces {}", path, bytes, end);
    return entries;
}

Tensor read_numbers(InputFile& file, const Shape& shape, DType dtype) {
    Tensor t = Tensor::empty(shape, dtype);
    dispatch(dtype,
             [&](auto zero) { file.read(t.mutable_data<decltype(zero)>(), shape.size() * int64_t(sizeof(zero))); });
    return t;
}

Ids read_ids(InputFile& file, const Entry& e) {
    Ids ids = Ids::empty(e.shape);
    int32_t* to = ids.mutable_data();
    if (e.dtype == "I32") {
        file.read(to, e.shape.size() * 4);
        return ids;
    }
    std::vector<int64_t> wide;
    for (int64_t done = 0; done < e.shape.size(); done += int64_t(wide.size())) {
        wide.resize(size_t(std::min<int64_t>(e.shape.size() - done, 65536)));
        file.read(wide.data(), int64_t(wide.size()) * 8);
        for (int64_t value : wide) {
            *to = int32_t(value);
            if (*to++ != value)
                throw Error("{}: tensor {}: number {} is {}, which needs more than 32 bits", file.path(),
                            in_quotes(e.name), to - ids.data() - 1, value);
        }
    }
    return ids;
}

template <class T>
const T& find(const SafeTensors& file, const std::string& name, const char* kind) {
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end()) throw Error("{}: no tensor {}", file.path, in_quotes(name));
    const T* value = std::get_if<T>(&found->second);
    if (value == nullptr) throw Error("{}: tensor {} doesn't hold {}", file.path, in_quotes(name), kind);
    return *value;
}

/// The type that a tensor or ids are written as.
const char* dtype_of(const std::variant<Tensor, Ids>& value) {
    const Tensor* t = std::get_if<Tensor>(&value);
    return t == nullptr ? "I64" : t->dtype() == DType::f64 ? "F64" : "F32";
}

}  // namespace

const Tensor& SafeTensors::tensor(const std::string& name) const {
    return find<Tensor>(*this, name, "floating-point numbers");
}

const Ids& SafeTensors::ids(const std::string& name) const { return find<Ids>(*this, name, "whole numbers"); }

const std::string& SafeTensors::setting(const std::string& key) const {
    const auto found = metadata.find(key);
    if (found == metadata.end()) throw Error("{}: {} is not in its metadata", path, in_quotes(key));
    return found->second;
}

SafeTensors load_safetensors(const std::string& path) {
    InputFile file(path);
    if (file.size() < 0) throw Error(path + ": is not a regular file");
    if (file.size() < 8) throw Error("{}: is no safetensors file, with {} bytes", path, file.size());
    uint64_t length = 0;
    file.read(&length, 8);
    const uint64_t rest = uint64_t(file.size()) - 8;
    if (length > rest || length > longest_header)
        throw Error("{}: byte 0: a header of {} bytes in a file of {}: truncated, or no safetensors file", path, length,
                    file.size());
    std::string text(size_t(length), '\0');
    file.read(text.data(), int64_t(length));
    SafeTensors content;
    content.path = path;
    for (const Entry& e : read_header(text, rest - length, path, content.metadata)) {
        if (e.dtype[0] == 'I')
            content.tensors[e.name] = read_ids(file, e);
        else
            content.tensors[e.name] = read_numbers(file, e.shape, e.dtype == "F32" ? DType::f32 : DType::f64);
    }
    return content;
}

void save_safetensors(const std::string& path, const SafeTensors& content) {
    auto header = nlohmann::ordered_json::object();
    if (!content.metadata.empty()) header[metadata_key] = content.metadata;
    if (content.tensors.count(metadata_key) != 0) throw Error("{}: no tensor can be named {}", path, metadata_key);
    std::deque<std::vector<int64_t>> wide;  // ids as they are written
    std::vector<std::string_view> pieces(2);
    uint64_t end = 0;
    // The wider types first keeps every number aligned; the order is the reference implementation's.
    for (const char* dtype : {"I64", "F64", "F32"}) {
        for (const auto& [name, value] : content.tensors) {
            if (dtype_of(value) != std::string_view(dtype)) continue;
            const Tensor* t = std::get_if<Tensor>(&value);
            const Ids* ids = std::get_if<Ids>(&value);
            if (t != nullptr ? !t->defined() : !ids->defined())
                throw Error("{}: tensor {} has no storage, it can't be saved", path, in_quotes(name));
            const Shape& shape = t != nullptr ? t->shape() : ids->shape();
            std::vector<int64_t> sizes;
            for (int i = 0; i < shape.rank(); i++) sizes.push_back(shape[i]);
            const uint64_t begin = end;
            end += uint64_t(shape.size()) * bytes_of_element(dtype);
            header.push_back({name, {{"dtype", dtype}, {"shape", sizes}, {"data_offsets", {begin, end}}}});
            const void* data = nullptr;
            if (t != nullptr)
                data = dispatch(t->dtype(), [&](auto zero) -> const void* { return t->data<decltype(zero)>(); });
            else
                data = wide.emplace_back(ids->data(), ids->data() + shape.size()).data();
            pieces.emplace_back(static_cast<const char*>(data), end - begin);
        }
    }
    std::string text;
    try {
        text = header.dump();
    } catch (const json::exception&) {
        throw Error(path + ": a tensor's name or the metadata to be saved isn't valid UTF-8");
    }
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const uint64_t length = text.size();
    pieces[0] = {reinterpret_cast<const char*>(&length), 8};
    pieces[1] = text;
    write_file_atomically(path, pieces);
}

}  // namespace unroll
