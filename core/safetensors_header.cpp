#include "core/safetensors_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

namespace unroll::safetensors {
namespace {

using nlohmann::json;

const std::string metadata_key = "__metadata__";

uint64_t bytes_of_element(const std::string& dtype) {
    return dtype == "F32" || dtype == "I32" ? 4 : dtype == "F64" || dtype == "I64" ? 8 : 0;
}

/// Takes the header from the parser event by event. nlohmann's parser keeps no call stack and builds nothing, so depth
/// and length of a hostile header cost no more than its bytes.
class Reader : public json::json_sax_t {
  public:
    explicit Reader(const std::string& path) : path_(path) {}
    Header header;

    bool start_object(size_t) override {
        if (depth_ == 2) unexpected("an object");
        depth_++;
        return true;
    }
    bool end_object() override {
        depth_--;
        if (in_tensor_) finish_tensor();
        in_metadata_ = in_tensor_ = false;
        keys_.clear();
        return true;
    }
    bool key(std::string& name) override {
        if (depth_ == 1) {
            if (!names_.insert(name).second) wrong(in_quotes(name) + " comes twice");
            in_metadata_ = name == metadata_key;
            in_tensor_ = !in_metadata_;
            if (in_tensor_) tensor_.name = name;
        } else {
            const bool known = in_metadata_ || name == "dtype" || name == "shape" || name == "data_offsets";
            if (!known) wrong("the key " + in_quotes(name) + " is not known");
            if (!keys_.insert(name).second) wrong(in_quotes(name) + " comes twice");
        }
        key_ = name;
        return true;
    }
    bool string(std::string& value) override {
        if (depth_ != 2 || in_array_ || (in_tensor_ && key_ != "dtype")) unexpected("a string");
        (in_metadata_ ? header.metadata[key_] : tensor_.dtype) = value;
        return true;
    }
    bool start_array(size_t) override {
        if (depth_ != 2 || in_metadata_ || in_array_ || key_ == "dtype") unexpected("an array");
        in_array_ = true;
        return true;
    }
    bool end_array() override {
        in_array_ = false;
        return true;
    }
    bool number_unsigned(uint64_t value) override {
        if (!in_array_) unexpected("a number");
        std::vector<uint64_t>& list = key_ == "shape" ? sizes_ : offsets_;
        if (list.size() == Shape::max_rank) wrong(fmt::format("{} has more than 4 numbers", key_));
        list.push_back(value);
        return true;
    }
    bool number_integer(int64_t value) override { unexpected(fmt::format("{}", value)); }
    bool number_float(double, const std::string& text) override { unexpected(text.substr(0, 40)); }
    bool null() override { unexpected("null"); }
    bool boolean(bool) override { unexpected("a truth value"); }
    bool binary(json::binary_t&) override { unexpected("binary data"); }
    bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& e) override {
        // "[...] parse error at line 1, column 7: syntax error while parsing ...; last read: '...'". What was read last
        // may be anything, the rest is plain.
        std::string what = e.what();
        what = what.substr(0, what.find("; last read"));
        what = what.substr(what.find(what.find(": ") != std::string::npos ? ": " : "] ") + 2);
        throw Error(fmt::format("{}: byte {}: {}", path_, position + 7, what.substr(0, 120)));
    }

  private:
    /// Checks the tensor by itself.
    void finish_tensor() {
        if (keys_.size() != 3) wrong("lacks dtype, shape or data_offsets");
        const uint64_t element = bytes_of_element(tensor_.dtype);
        if (element == 0)
            wrong(fmt::format("is of type {}: only F32, F64, I64 and I32 can be read", in_quotes(tensor_.dtype)));
        uint64_t elements = 1;
        constexpr uint64_t limit = uint64_t{1} << 48;
        for (uint64_t n : sizes_) {
            if (n > limit || (elements != 0 && n > limit / elements)) wrong("has more than 2^48 elements");
            elements *= n;
            tensor_.shape = tensor_.shape.append(static_cast<int64_t>(n));
        }
        if (offsets_.size() != 2) wrong("data_offsets are not two numbers");
        tensor_.begin = offsets_[0];
        tensor_.end = offsets_[1];
        if (tensor_.begin > tensor_.end || tensor_.end - tensor_.begin != elements * element)
            wrong(fmt::format("data_offsets {} to {}, but {} {} takes {} bytes", tensor_.begin, tensor_.end,
                              tensor_.dtype, tensor_.shape.str(), elements * element));
        header.entries.push_back(std::move(tensor_));
        tensor_ = {};
        sizes_.clear();
        offsets_.clear();
    }

    [[noreturn]] void wrong(const std::string& message) const {
        const std::string place = in_tensor_     ? "tensor " + in_quotes(tensor_.name)
                                  : in_metadata_ ? metadata_key
                                                 : "header";
        throw Error(fmt::format("{}: {}: {}", path_, place, message));
    }
    [[noreturn]] void unexpected(const std::string& what) const {
        const char* expected = depth_ < 2                        ? "an object"
                               : in_metadata_ || key_ == "dtype" ? "a string"
                               : in_array_                       ? "a whole number of 0 or more"
                                                                 : "an array of numbers";
        const std::string at = depth_ == 2 ? in_quotes(key_) + ": " : "";
        wrong(fmt::format("{}{} where {} is expected", at, what, expected));
    }

    const std::string& path_;
    std::string key_;
    std::set<std::string> names_, keys_;
    Entry tensor_;  // being read
    std::vector<uint64_t> sizes_, offsets_;
    int depth_ = 0;
    bool in_metadata_ = false, in_tensor_ = false, in_array_ = false;
};

}  // namespace

std::string in_quotes(const std::string& name) {
    std::string text = json(name).dump(-1, ' ', true, json::error_handler_t::replace);
    return text.size() <= 80 ? text : text.substr(0, 76) + "...\"";
}

Header parse(const std::string& text, const std::string& path) {
    Reader reader(path);
    json::sax_parse(text, &reader);
    auto& entries = reader.header.entries;
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    uint64_t end = 0;
    for (const Entry& e : entries) {
        if (e.begin != end)
            throw Error(fmt::format("{}: tensor {}: begins at byte {} of the data where the one before ends at {}",
                                    path, in_quotes(e.name), e.begin, end));
        end = e.end;
    }
    return std::move(reader.header);
}

std::string write(const Header& header, const std::string& path) {
    auto object = nlohmann::ordered_json::object();
    if (!header.metadata.empty()) object[metadata_key] = header.metadata;
    for (const Entry& e : header.entries) {
        if (e.name == metadata_key) throw Error(fmt::format("{}: no tensor can be named {}", path, metadata_key));
        auto sizes = nlohmann::ordered_json::array();
        for (int i = 0; i < e.shape.rank(); i++) sizes.push_back(e.shape[i]);
        object.push_back({e.name, {{"dtype", e.dtype}, {"shape", sizes}, {"data_offsets", {e.begin, e.end}}}});
    }
    try {
        std::string text = object.dump();
        text.resize((text.size() + 7) / 8 * 8, ' ');
        return text;
    } catch (const json::exception&) {
        throw Error(path + ": a tensor's name or the metadata to be saved isn't valid UTF-8");
    }
}

}  // namespace unroll::safetensors
