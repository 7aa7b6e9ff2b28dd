#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <limits>

#include "core/safetensors.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;
namespace fs = std::filesystem;

namespace {

const fs::path cases = fs::path(UNROLL_ROOT) / "tests/conformance/cases";

std::string number64(uint64_t n) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &n, 8);
    return bytes;
}

/// A file with this header and data.
std::string file_of(const std::string& header, const std::string& data = "") {
    return number64(header.size()) + header + data;
}

/// The error of a file with this content, without its path.
std::string refusal(const std::string& content) {
    static const TemporaryFolder folder;
    const std::string path = folder.write("bad.safetensors", content);
    const std::string message = error_of([&] { load_safetensors(path); });
    if (message.empty()) return "";
    REQUIRE(message.rfind(path + ": ", 0) == 0);
    return message.substr(path.size() + 2);
}

/// One tensor "w", F32 [2]: its entry and its data.
const std::string w_entry = R"("w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
const std::string w_data(8, '\0');

const std::string malformed = "tensor \"w\": expected a dtype, a shape of whole numbers and two data_offsets";

std::string refused_entry(const std::string& entry, const std::string& data = w_data) {
    return refusal(file_of("{\"w\":" + entry + "}", data));
}

bool same_bits(const Tensor& a, const Tensor& b) {
    if (!(a.shape() == b.shape()) || a.dtype() != b.dtype()) return false;
    return dispatch(a.dtype(), [&](auto zero) {
        using T = decltype(zero);
        return std::memcmp(a.data<T>(), b.data<T>(), static_cast<size_t>(a.size()) * sizeof(T)) == 0;
    });
}

}  // namespace

TEST_CASE("safetensors: what is saved is loaded, bit for bit") {
    TemporaryFolder folder;
    const std::string path = folder / "all.safetensors";
    SafeTensors saved;
    saved.metadata = {{"kind", "test"}, {"", "empty key"}, {"line\nend \"quote\"", "ä € 😀 \x01"}};
    const double inf = std::numeric_limits<double>::infinity();
    Tensor odd = Tensor::of({{-0.0, std::nan(""), inf}, {-inf, 5e-324, 1.0 / 3}}, DType::f64);
    const uint64_t signalling_nan = 0x7ff0dead00000001;
    std::memcpy(odd.mutable_data<double>() + 1, &signalling_nan, 8);
    saved.tensors["odd"] = odd;
    saved.tensors["narrow"] = Tensor::of({1, 2.5, -1e-40, 3e38});
    saved.tensors["scalar"] = Tensor::full({}, 0.1);
    saved.tensors["none"] = Tensor::zeros({0, 3});
    saved.tensors["four"] = Tensor::full({2, 1, 3, 2}, 7, DType::f64);
    saved.tensors["Übergröße\t\"x\""] = Tensor::of({1});
    saved.tensors["ids"] = Ids({1, -100, 2147483647, -2147483647 - 1}, {2, 2});
    saved.tensors["no ids"] = Ids(std::vector<int32_t>{});
    save_safetensors(path, saved);

    const SafeTensors loaded = load_safetensors(path);
    CHECK(loaded.metadata == saved.metadata);
    REQUIRE(loaded.tensors.size() == saved.tensors.size());
    for (const char* name : {"odd", "narrow", "scalar", "none", "four", "Übergröße\t\"x\""})
        CHECK(same_bits(loaded.tensor(name), saved.tensor(name)));
    CHECK(loaded.ids("ids").shape() == Shape{2, 2});
    for (int i = 0; i < 4; i++) CHECK(loaded.ids("ids")[i] == saved.ids("ids")[i]);
    CHECK(loaded.ids("no ids").size() == 0);
    // Saved again it is the same file.
    save_safetensors(folder / "again", loaded);
    CHECK(content_of(folder / "again") == content_of(path));
    CHECK(folder.names() == std::set<std::string>{"again", "all.safetensors"});
}

TEST_CASE("safetensors: a slice of a larger tensor is saved as itself") {
    TemporaryFolder folder;
    const Tensor all = Tensor::of({{1, 2}, {3, 4}, {5, 6}});
    save_safetensors(folder / "f", {{}, {{"row", all.row(1)}, {"rows", all.slice(1, 3)}}, ""});
    CHECK(same_bits(load_safetensors(folder / "f").tensor("row"), Tensor::of({3, 4})));
    CHECK(same_bits(load_safetensors(folder / "f").tensor("rows"), Tensor::of({{3, 4}, {5, 6}})));
}

TEST_CASE("safetensors: the bytes are those of the reference implementation") {
    TemporaryFolder folder;
    SafeTensors file;
    file.metadata["format"] = "pt";
    file.tensors["b"] = Tensor::of({1.5});
    file.tensors["a"] = Tensor::of({{2}, {3}});
    file.tensors["z"] = Tensor::of({4}, DType::f64);
    file.tensors["ids"] = Ids({-1});
    save_safetensors(folder / "f", file);
    std::string header = R"({"__metadata__":{"format":"pt"},)"
                         R"("ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                         R"("z":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},)"
                         R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[16,24]},)"
                         R"("b":{"dtype":"F32","shape":[1],"data_offsets":[24,28]}})";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    std::string data(28, '\0');
    const double z = 4;
    const float ab[] = {2, 3, 1.5};
    std::memset(data.data(), 0xFF, 8);
    std::memcpy(&data[8], &z, 8);
    std::memcpy(&data[16], ab, 12);
    CHECK(content_of(folder / "f") == file_of(header, data));

    save_safetensors(folder / "empty", {});
    CHECK(content_of(folder / "empty") == file_of("{}      "));
    CHECK(load_safetensors(folder / "empty").tensors.empty());
}

TEST_CASE("safetensors: the conformance cases, written by Python, are read") {
    int files = 0;
    for (const auto& entry : fs::directory_iterator(cases)) {
        const SafeTensors file = load_safetensors(entry.path());
        CHECK(!file.setting("kind").empty());
        CHECK(!file.tensors.empty());
        files++;
    }
    CHECK(files >= 24);
    const SafeTensors clip = load_safetensors(cases / "clip_grad_norm.safetensors");
    CHECK(clip.setting("max_norm") == "1.0");
    double squares = 0;
    for (const char* name : {"in.grad0", "in.grad1"})
        for (double v : clip.tensor(name).to_vector()) squares += v * v;
    CHECK(std::sqrt(squares) == doctest::Approx(clip.tensor("out.norm").item()).epsilon(1e-14));
    const SafeTensors embedding = load_safetensors(cases / "embedding.safetensors");
    const Ids& ids = embedding.ids("in.ids");
    const Tensor &weight = embedding.tensor("param.weight"), &y = embedding.tensor("out.y");
    CHECK(ids.shape() == Shape{4, 3});
    for (int64_t i = 0; i < ids.size(); i++) CHECK(same_bits(y.reshape({12, 5}).row(i), weight.row(ids[i])));
}

TEST_CASE("safetensors: other layouts than ours are read") {
    // Spaces, keys in another order, tensors in another order than their data, escapes, 32-bit ids.
    const std::string header =
        " \n{ \"x\\u00fc\" : {\"data_offsets\":[8,16],\"dtype\":\"F64\", \"shape\" : [ ]}, "
        R"("i": {"shape":[2],"dtype":"I32","data_offsets":[0,8]}} )";
    const int32_t i[] = {-5, 2147483647};
    const double x = 0.1;
    TemporaryFolder folder;
    const std::string path = folder.write("f", file_of(header, std::string(reinterpret_cast<const char*>(i), 8) +
                                                                   std::string(reinterpret_cast<const char*>(&x), 8)));
    const SafeTensors file = load_safetensors(path);
    CHECK(file.tensor("xü").item() == 0.1);
    CHECK(file.ids("i")[0] == -5);
    CHECK(file.ids("i")[1] == 2147483647);
    // An empty tensor begins where another does.
    const std::string empty = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                              R"("n":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
                              R"("o":{"dtype":"F32","shape":[4,0],"data_offsets":[8,8]}})";
    CHECK(load_safetensors(folder.write("g", file_of(empty, w_data))).tensors.size() == 3);
}

TEST_CASE("safetensors: what is asked for and missing is named with the file") {
    SafeTensors file;
    file.path = "f.safetensors";
    file.tensors["ids"] = Ids({1});
    file.tensors["w"] = Tensor::of({1});
    CHECK(file.has("w"));
    CHECK(!file.has("v"));
    CHECK(error_of([&] { file.tensor("v"); }) == "f.safetensors: no tensor \"v\"");
    CHECK(error_of([&] { file.tensor("ids"); }) == "f.safetensors: tensor \"ids\" doesn't hold floating-point numbers");
    CHECK(error_of([&] { file.ids("w"); }) == "f.safetensors: tensor \"w\" doesn't hold whole numbers");
    CHECK(error_of([&] { file.setting("lr"); }) == "f.safetensors: \"lr\" is not in its metadata");
}

TEST_CASE("safetensors: truncated anywhere, or with bytes too many, a file is refused") {
    const std::string good = content_of(cases / "clip_grad_norm.safetensors");
    for (size_t n = 0; n < good.size(); n++) REQUIRE(refusal(good.substr(0, n)) != "");
    CHECK(refusal("") == "is no safetensors file, with 0 bytes");
    CHECK(refusal("1234567") == "is no safetensors file, with 7 bytes");
    CHECK(contains(refusal(good.substr(0, 100)), "byte 0: a header of 432 bytes in a file of 100: truncated"));
    CHECK(refusal(good.substr(0, good.size() - 1)) == "279 bytes of data where the header announces 280");
    CHECK(refusal(good + "x") == "281 bytes of data where the header announces 280");
    CHECK(refusal(file_of("{}", "x")) == "1 bytes of data where the header announces 0");
}

TEST_CASE("safetensors: any byte changed is refused or changes what is read, and nothing crashes") {
    const std::string good = content_of(cases / "embedding.safetensors").substr(0, 600);
    for (size_t i = 0; i < good.size(); i++)
        for (char c : {'\0', '\xff', '"', '{', ']', '9'}) {
            std::string bad = good;
            bad[i] = c;
            refusal(bad);
        }
}

TEST_CASE("safetensors: hostile header sizes") {
    for (uint64_t size : {uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{0} - 7, uint64_t{3}, uint64_t{1} << 32})
        CHECK(contains(refusal(number64(size) + "{}"), "byte 0: a header of " + std::to_string(size) + " bytes"));
    CHECK(contains(refusal(number64(0) + "{}"), "byte 8: "));
    // A header of 200 MB of zeros, which takes no space on the disk.
    TemporaryFolder folder;
    const std::string path = folder.write("sparse", number64(200'000'000));
    fs::resize_file(path, 200'000'008);
    CHECK(contains(error_of([&] { load_safetensors(path); }), "a header of 200000000 bytes"));
}

TEST_CASE("safetensors: hostile shapes and offsets") {
    const auto entry = [](const std::string& shape, const std::string& offsets) {
        return R"({"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
    };
    CHECK(refused_entry(entry("[2]", "[0,8]")) == "");
    // 2^62 * 4 bytes, and 2^32 * 2^32, are 0 in 64 bits.
    CHECK(contains(refused_entry(entry("[4611686018427387904]", "[0,0]"), ""), "tensor \"w\": has more than 2^48"));
    CHECK(contains(refused_entry(entry("[4294967296,4294967296]", "[0,0]"), ""), "has more than 2^48"));
    CHECK(contains(refused_entry(entry("[18446744073709551615]", "[0,8]")), "has more than 2^48"));
    CHECK(contains(refused_entry(entry("[18446744073709551616]", "[0,8]")), malformed));
    CHECK(contains(refused_entry(entry("[-2]", "[0,8]")), malformed));
    CHECK(contains(refused_entry(entry("[2.0]", "[0,8]")), malformed));
    CHECK(contains(refused_entry(entry("[1e9999]", "[0,8]")), "header: a number is out of range"));
    CHECK(contains(refused_entry(entry("[1,1,1,1,2]", "[0,8]")), "has more than 4 dimensions"));
    CHECK(contains(refused_entry(entry("[3]", "[0,8]")), "data_offsets 0 to 8, but F32 [3] takes 12 bytes"));
    CHECK(contains(refused_entry(entry("[2]", "[8,0]")), "data_offsets 8 to 0, but F32 [2] takes 8 bytes"));
    CHECK(contains(refused_entry(entry("[2]", "[0]")), malformed));
    CHECK(contains(refused_entry(entry("[2]", "[0,8,8]")), malformed));
    CHECK(contains(refused_entry(entry("[2]", "[0,8,8,8,8]")), malformed));
    CHECK(contains(refused_entry(entry("[2]", "[-8,0]")), malformed));
    CHECK(contains(refused_entry(entry("[2]", "[8,16]"), w_data + w_data), "begins at byte 8 of the data where"));
    CHECK(contains(refused_entry(entry("[2]", "[18446744073709551608,18446744073709551615]")), "takes 8 bytes"));
    // Far more data than the file has: refused before memory is asked for.
    CHECK(refused_entry(entry("[70368744177664]", "[0,281474976710656]")) ==
          "8 bytes of data where the header announces 281474976710656");
}

TEST_CASE("safetensors: tensors that overlap or leave holes") {
    const auto two = [](const std::string& a, const std::string& b, size_t data) {
        return refusal(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + a +
                                   R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + b + "}}",
                               std::string(data, '\0')));
    };
    CHECK(two("[0,8]", "[8,16]", 16) == "");
    CHECK(two("[8,16]", "[0,8]", 16) == "");
    CHECK(two("[0,8]", "[4,12]", 12) == "tensor \"b\": begins at byte 4 of the data where the one before ends at 8");
    CHECK(two("[0,8]", "[0,8]", 8) == "tensor \"b\": begins at byte 0 of the data where the one before ends at 8");
    CHECK(two("[12,20]", "[0,8]", 20) == "tensor \"a\": begins at byte 12 of the data where the one before ends at 8");
}

TEST_CASE("safetensors: names that come twice, keys that are missing or not known") {
    CHECK(refusal(file_of("{" + w_entry + "," + w_entry + "}", w_data)) == "header: \"w\" comes twice");
    CHECK(refusal(file_of("{" + w_entry + R"(,"\u0077":{})" + "}", w_data)) == "header: \"w\" comes twice");
    CHECK(refusal(file_of(R"({"__metadata__":{},"__metadata__":{}})")) == "header: \"__metadata__\" comes twice");
    CHECK(refusal(file_of(R"({"__metadata__":{"a":"1","a":"2"}})")) == "header: \"a\" comes twice");
    CHECK(refused_entry(R"({"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]})") ==
          "header: \"shape\" comes twice");
    // The same key in two objects is none that comes twice.
    CHECK(refusal(file_of(R"({"__metadata__":{"dtype":"a","w":"b"},)" + w_entry + "}", w_data)) == "");
    for (const char* entry : {R"({"dtype":"F32","data_offsets":[0,8]})", R"({"dtype":"F32","shape":[2]})",
                              R"({"shape":[2],"data_offsets":[0,8]})", "{}",
                              R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]})",
                              R"({"dtype":"F32","shape":[2],"offsets":[0,8]})"})
        CHECK(contains(refused_entry(entry), malformed));
}

TEST_CASE("safetensors: types that can't be read are refused by name") {
    for (const char* type : {"F16", "BF16", "F8_E4M3", "U8", "I8", "BOOL", "U64", "f32", "", "F32\n"}) {
        const std::string escaped = std::string(type) == "F32\n" ? "F32\\n" : type;
        CHECK(refused_entry("{\"dtype\":\"" + escaped + R"(","shape":[2],"data_offsets":[0,8]})") ==
              "tensor \"w\": is of type \"" + escaped + "\": only F32, F64, I64 and I32 can be read");
    }
}

TEST_CASE("safetensors: values of the wrong kind") {
    for (const char* header : {"[]", "3", "-3", "3.5", "\"x\"", "null", "true"})
        CHECK(refusal(file_of(header)) == "header: not an object");
    for (const char* value : {"1", "-1", "0.5", "null", "true", "{}", R"({"b":"c"})", "[]", R"(["b"])"})
        CHECK(refusal(file_of(std::string(R"({"__metadata__":{"a":)") + value + "}}")) ==
              "__metadata__: \"a\" is not a string");
    for (const char* value : {"\"a\"", "1", "null", "[]"})
        CHECK(refusal(file_of(std::string(R"({"__metadata__":)") + value + "}")) == "__metadata__: not an object");
    for (const char* entry : {"[]", "true", "1.5", "\"F32\"", "null"}) CHECK(contains(refused_entry(entry), malformed));
    for (const char* dtype : {"32", "null", R"(["F32"])"})
        CHECK(contains(refused_entry(std::string(R"({"shape":[2],"data_offsets":[0,8],"dtype":)") + dtype + "}"),
                       malformed));
    for (const char* shape : {"2", "\"2\"", R"({"a":2})", R"(["2"])", "[null]", "[true]", "null"})
        CHECK(contains(refused_entry(std::string(R"({"dtype":"F32","data_offsets":[0,8],"shape":)") + shape + "}"),
                       malformed));
    for (const char* shape : {"[[2]]", "[{}]"})
        CHECK(contains(refused_entry(std::string(R"({"dtype":"F32","data_offsets":[0,8],"shape":)") + shape + "}"),
                       "header: nested deeper than any"));
}

TEST_CASE("safetensors: text that is not JSON, and not UTF-8") {
    CHECK(contains(refusal(file_of("hello")), "byte 8: "));
    CHECK(contains(refusal(file_of("{" + w_entry, w_data)), "byte "));
    CHECK(contains(refusal(file_of("{" + w_entry + "} x", w_data)), "byte "));
    CHECK(contains(refusal(file_of(R"({"__metadata__":{"a":")" + std::string(1, '\xff') + R"("}})")),
                   "ill-formed UTF-8"));
    CHECK(contains(refusal(file_of("{\"w\xc3\":{}}")), "ill-formed UTF-8"));
    CHECK(contains(refusal(file_of("{\"w\xed\xa0\x80\":{}}")), "ill-formed UTF-8"));  // a surrogate
    CHECK(contains(refusal(file_of(R"({"\ud800":{}})")), "surrogate"));
    CHECK(contains(refusal(file_of("{\"a\nb\":{}}")), "control character"));
    // A hostile name doesn't break the line, nor fill the screen.
    CHECK(
        refusal(file_of(R"({"a\n\u001b[2J":{}})")) ==
        R"(tensor "a\n\u001b[2J": expected a dtype, a shape of whole numbers and two data_offsets, and nothing else)");
    CHECK(refusal(file_of("{\"" + std::string(1'000'000, 'n') + "\":{}}")).size() < 200);
    CHECK(refusal(file_of("{\"a\":" + std::string(1'000'000, '9') + "}")).size() < 200);
}

TEST_CASE("safetensors: JSON nested 100,000 deep") {
    const std::string deep(100'000, '['), objects = [] {
        std::string s;
        for (int i = 0; i < 100'000; i++) s += "{\"a\":";
        return s;
    }();
    CHECK(refusal(file_of(deep)) != "");
    CHECK(refusal(file_of(objects)) != "");
    CHECK(refusal(file_of("{\"__metadata__\":" + objects)) != "");
    CHECK(refused_entry("{\"shape\":" + deep) != "");
    CHECK(refused_entry("{\"x\":" + deep) != "");
    CHECK(refusal(std::string(8, '\x5b') + deep) != "");
}

TEST_CASE("safetensors: many tensors, in the time and memory of their bytes") {
    std::string header = "{";
    for (int i = 0; i < 50'000; i++)
        header += "\"" + std::to_string(i) + R"(":{"dtype":"F64","shape":[0],"data_offsets":[0,0]},)";
    header.back() = '}';
    TemporaryFolder folder;
    const std::string path = folder.write("f", file_of(header));
    const std::clock_t begin = std::clock();
    CHECK(load_safetensors(path).tensors.size() == 50'000);
    CHECK((std::clock() - begin) / CLOCKS_PER_SEC < 15);  // where each is searched for in all: a minute
}

TEST_CASE("safetensors: ids outside 32 bits") {
    for (int64_t value : {int64_t{2147483648}, int64_t{-2147483649}, std::numeric_limits<int64_t>::min()}) {
        const std::string data = number64(7) + number64(static_cast<uint64_t>(value));
        CHECK(refused_entry(R"({"dtype":"I64","shape":[2],"data_offsets":[0,16]})", data) ==
              "tensor \"w\": number 1 is " + std::to_string(value) + ", which needs more than 32 bits");
    }
    // Beyond the first piece read.
    std::string data;
    for (int i = 0; i < 70'000; i++) data += number64(i == 69'999 ? uint64_t{1} << 40 : 5);
    CHECK(contains(refused_entry(R"({"dtype":"I64","shape":[70000],"data_offsets":[0,560000]})", data),
                   "number 69999 is 1099511627776"));
}

TEST_CASE("safetensors: folders, missing files, pipes, no permission") {
    TemporaryFolder folder;
    CHECK(contains(error_of([&] { load_safetensors(folder.path()); }), "Is a directory"));
    CHECK(contains(error_of([&] { load_safetensors(folder / "none"); }), "No such file or directory"));
    CHECK(error_of([] { load_safetensors("/dev/zero"); }) == "/dev/zero: is not a regular file");
    const std::string path = folder.write("secret", file_of("{}"));
    fs::permissions(path, fs::perms::none);
    fs::permissions(folder.path(), fs::perms::all);
    NoRights guard;
    CHECK(contains(error_of([&] { load_safetensors(path); }), "Permission denied"));
}

TEST_CASE("safetensors: what can't be saved leaves the old file as it was") {
    TemporaryFolder folder;
    const std::string path = folder / "f";
    save_safetensors(path, {{}, {{"w", Tensor::of({1, 2})}}, ""});
    const std::string before = content_of(path);
    const auto refused = [&](const SafeTensors& content) {
        const std::string message = error_of([&] { save_safetensors(path, content); });
        CHECK(content_of(path) == before);
        CHECK(folder.names() == std::set<std::string>{"f"});
        return message;
    };
    CHECK(refused({{}, {{"w", Tensor()}}, ""}) == path + ": tensor \"w\" has no storage, it can't be saved");
    CHECK(refused({{}, {{"w", Ids()}}, ""}) == path + ": tensor \"w\" has no storage, it can't be saved");
    CHECK(refused({{}, {{"__metadata__", Tensor::of({1})}}, ""}) == path + ": no tensor can be named __metadata__");
    CHECK(contains(refused({{}, {{"w\xff", Tensor::of({1})}}, ""}), "isn't valid UTF-8"));
    CHECK(contains(refused({{{"k", "\xc3"}}, {}, ""}), "isn't valid UTF-8"));
    CHECK(error_of([] {
              save_safetensors("/dev/full", {{}, {{"w", Tensor::of({1})}}, ""});
          }) == "/dev/full: can't be written: No space left on device");
}

TEST_CASE("safetensors: a big tensor is read once, to where it stays") {
    TemporaryFolder folder;
    const int64_t n = 5'000'000;
    {
        Tensor big = Tensor::empty({n}, DType::f64);
        for (int64_t i = 0; i < n; i++) big.mutable_data<double>()[i] = static_cast<double>(i);
        save_safetensors(folder / "f", {{}, {{"big", big}}, ""});
    }
    release_pool();
    const int64_t before = memory_stats().live_bytes;
    const SafeTensors file = load_safetensors(folder / "f");
    CHECK(memory_stats().live_bytes - before < n * 8 * 5 / 4);
    CHECK(file.tensor("big").at({n - 1}) == static_cast<double>(n - 1));
}
