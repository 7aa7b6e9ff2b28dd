#include "core/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <deque>
#include <vector>

#include "core/file.hpp"
#include "core/safetensors_header.hpp"

namespace unroll {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

using safetensors::Entry;
using safetensors::Header;
using safetensors::in_quotes;

constexpr uint64_t longest_header = 100'000'000;  // the reference implementation's limit

Tensor read_numbers(InputFile& file, const Shape& shape, DType dtype) {
    Tensor t = Tensor::empty(shape, dtype);
    dispatch(dtype, [&](auto zero) {
        file.read(t.mutable_data<decltype(zero)>(), shape.size() * static_cast<int64_t>(sizeof(zero)));
    });
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
    for (int64_t done = 0; done < e.shape.size(); done += static_cast<int64_t>(wide.size())) {
        wide.resize(static_cast<size_t>(std::min<int64_t>(e.shape.size() - done, 65536)));
        file.read(wide.data(), static_cast<int64_t>(wide.size()) * 8);
        for (int64_t value : wide) {
            *to = static_cast<int32_t>(value);
            if (*to++ != value)
                throw Error(fmt::format("{}: tensor {}: number {} is {}, which needs more than 32 bits", file.path(),
                                        in_quotes(e.name), to - ids.data() - 1, value));
        }
    }
    return ids;
}

template <class T>
const T& find(const SafeTensors& file, const std::string& name, const char* kind) {
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end()) throw Error(fmt::format("{}: no tensor {}", file.path, in_quotes(name)));
    const T* value = std::get_if<T>(&found->second);
    if (value == nullptr) throw Error(fmt::format("{}: tensor {} doesn't hold {}", file.path, in_quotes(name), kind));
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
    if (found == metadata.end()) throw Error(fmt::format("{}: {} is not in its metadata", path, in_quotes(key)));
    return found->second;
}

SafeTensors load_safetensors(const std::string& path) {
    InputFile file(path);
    if (file.size() < 0) throw Error(path + ": is not a regular file");
    if (file.size() < 8) throw Error(fmt::format("{}: is no safetensors file, with {} bytes", path, file.size()));
    uint64_t length = 0;
    file.read(&length, 8);
    const uint64_t rest = static_cast<uint64_t>(file.size()) - 8;
    if (length > rest || length > longest_header)
        throw Error(fmt::format("{}: byte 0: a header of {} bytes in a file of {}: truncated, or no safetensors file",
                                path, length, file.size()));
    std::string text(static_cast<size_t>(length), '\0');
    file.read(text.data(), static_cast<int64_t>(length));
    Header header = safetensors::parse(text, path);
    const uint64_t announced = header.entries.empty() ? 0 : header.entries.back().end;
    if (announced != rest - length)
        throw Error(fmt::format("{}: {} bytes of data where the header announces {}", path, rest - length, announced));

    SafeTensors content{std::move(header.metadata), {}, path};
    for (const Entry& e : header.entries) {
        if (e.dtype[0] == 'I')
            content.tensors[e.name] = read_ids(file, e);
        else
            content.tensors[e.name] = read_numbers(file, e.shape, e.dtype == "F32" ? DType::f32 : DType::f64);
    }
    return content;
}

void save_safetensors(const std::string& path, const SafeTensors& content) {
    Header header{content.metadata, {}};
    std::deque<std::vector<int64_t>> wide;  // ids as they are written
    std::vector<std::string_view> pieces(2);
    // The wider types first keeps every number aligned; the order is the reference implementation's.
    for (const char* dtype : {"I64", "F64", "F32"}) {
        for (const auto& [name, value] : content.tensors) {
            if (dtype_of(value) != std::string_view(dtype)) continue;
            const Tensor* t = std::get_if<Tensor>(&value);
            const Ids* ids = std::get_if<Ids>(&value);
            if (t != nullptr ? !t->defined() : !ids->defined())
                throw Error(fmt::format("{}: tensor {} has no storage, it can't be saved", path, in_quotes(name)));
            const Shape& shape = t != nullptr ? t->shape() : ids->shape();
            const auto bytes = static_cast<size_t>(shape.size()) * (dtype[1] == '6' ? 8 : 4);
            const void* data = nullptr;
            if (t != nullptr)
                data = dispatch(t->dtype(), [&](auto zero) -> const void* { return t->data<decltype(zero)>(); });
            else
                data = wide.emplace_back(ids->data(), ids->data() + shape.size()).data();
            pieces.emplace_back(static_cast<const char*>(data), bytes);
            const uint64_t begin = header.entries.empty() ? 0 : header.entries.back().end;
            header.entries.push_back({name, dtype, shape, begin, begin + bytes});
        }
    }
    const std::string text = safetensors::write(header, path);
    const uint64_t length = text.size();
    pieces[0] = {reinterpret_cast<const char*>(&length), 8};
    pieces[1] = text;
    write_file_atomically(path, pieces);
}

}  // namespace unroll
