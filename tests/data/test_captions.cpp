#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "data/captions.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;

namespace {

const std::string root = UNROLL_ROOT;
const TemporaryFolder& folder() {
    static const TemporaryFolder one;
    return one;
}

/// What is said of a file of this content, without its name.
std::string message(const std::string& content) {
    const std::string path = folder().write("c", content);
    const std::string what = error_of([&] { load_captions(path); });
    CHECK(what.find(path + ": ") == 0);
    return what.empty() ? what : what.substr(path.size() + 2);
}
std::vector<CaptionedPicture> load(const std::string& content) { return load_captions(folder().write("c", content)); }

void check_two(const std::vector<CaptionedPicture>& list) {
    REQUIRE(list.size() == 2);
    CHECK(list[0].file == "b.jpg");
    CHECK(list[0].captions == std::vector<std::string>{"A dog , a \"big\" one", "two\tof them"});
    CHECK(list[1].file == "a.jpg");
    CHECK(list[1].captions == std::vector<std::string>{"un café"});
}

}  // namespace

TEST_CASE("load_captions: Flickr8k's token file and CSV") {
    check_two(load("b.jpg#0\tA dog , a \"big\" one\r\na.jpg#0\t un café \nb.jpg#1\ttwo\tof them"));
    check_two(
        load("\xEF\xBB\xBFimage,caption\r\nb.jpg,\"A dog , a \"\"big\"\" one\"\r\na.jpg, un café \r\nb.jpg,\"two\tof "
             "them\"\r\n"));
    const auto lines = load("image,caption\nx.jpg,\"one,\ntwo\"\n\"y,z.jpg\",b");
    CHECK(lines[0].captions[0] == "one,\ntwo");
    CHECK(lines[1].file == "y,z.jpg");
    const auto hash = load("a#b.jpg.1#0\tx");
    CHECK(hash[0].file == "a#b.jpg.1");
}

TEST_CASE("load_captions: COCO and Karpathy") {
    check_two(load(R"({"images": [{"id": 7, "file_name": "b.jpg"}, {"id": 3, "file_name": "a.jpg"}],
        "annotations": [{"image_id": 3, "caption": "un caf\u00e9 "}, {"image_id": 7, "caption": "A dog , a \"big\" one"},
                        {"image_id": 7, "caption": "two\tof them"}]})"));
    const auto list = load(R"(  {"dataset": "coco", "images": [
        {"filename": "1.jpg", "filepath": "val2014", "split": "restval", "sentences": [{"raw": "x"}, {"raw": "y", "tokens": []}]},
        {"filename": "2.jpg", "split": "test", "sentences": [{"raw": "z"}]}]})");
    CHECK(list[0].file == "val2014/1.jpg");
    CHECK(list[0].split == "train");
    CHECK(list[0].captions.size() == 2);
    CHECK(list[1].file == "2.jpg");
    CHECK(list[1].split == "test");
}

TEST_CASE("load_captions: what can't be used is told in one line with its place") {
    CHECK(message("") == "the file is empty");
    CHECK(message("\n \n") == "the file is empty");
    CHECK(message("a.jpg#0 no tab\n") == "line 1: expected NAME#NUMBER, a tab and a caption");
    CHECK(message("a.jpg#0\tx\nb.jpg\ty#\n") == "line 2: expected NAME#NUMBER, a tab and a caption");
    CHECK(message("a.jpg#0\tx\na.jpg#1\ty\na.jpg#0\tz") == "line 3: \"a.jpg#0\" comes twice");
    CHECK(message("a.jpg#0\t \n") == "line 1: the caption of \"a.jpg\" is empty");
    CHECK(message("#0\tx\n") == "line 1: the name of a picture is empty");
    CHECK(message("a.jpg#0\tx\n\xFF\n") == "line 2: byte 10 (0xFF) is not UTF-8");
    CHECK(message("image,caption\n") == "there are no pictures in it");
    CHECK(message("image,caption\na.jpg,x,y\n") == "line 2: 3 fields, expected the picture's name and a caption");
    CHECK(message("image,caption\na.jpg,\"x\ny\nb.jpg,z") == "line 2: a quote is not closed");
    CHECK(message("image,caption\na.jpg,\"x\ny\"\nb.jpg") ==
          "line 4: 1 fields, expected the picture's name and a caption");
    CHECK(message("{\"images\": [") == "is no JSON from byte 13 on");
    CHECK(message("{\"images\": [\"\xFF\"]}").find("is no JSON from byte") == 0);
    CHECK(message("[1, 2]") == "the file has no \"images\" that is a list");
    CHECK(message("{\"images\": 3}") == "the file has no \"images\" that is a list");
    CHECK(message("{\"images\": []}") == "there are no pictures in it");
    CHECK(message("{\"images\": [3]}") == "images[0] has no \"filename\" that is a text");
    CHECK(message(R"({"images": [{"filename": "a", "split": "train"}]})") ==
          "images[0] has no \"sentences\" that is a list");
    CHECK(message(R"({"images": [{"filename": "a", "split": "train", "sentences": []}]})") ==
          "the picture \"a\" has no caption");
    CHECK(message(R"({"images": [{"filename": "a", "split": "train", "sentences": [{"raw": 1}]}]})") ==
          "images[0]: a sentence has no \"raw\" that is a text");
    CHECK(message(R"({"images": [{"file_name": "a", "id": 1}, {"file_name": "b", "id": 1}], "annotations": []})") ==
          "images[1]: its id comes twice");
    CHECK(message(R"({"images": [{"file_name": "a", "id": 1}, {"file_name": "a", "id": 2}], "annotations": []})") ==
          "images[1]: \"a\" comes twice");
    CHECK(message(R"({"images": [{"file_name": "a", "id": 1.5}], "annotations": []})") ==
          "images[0] has no \"id\" that is a whole number");
    CHECK(message(R"({"images": [{"file_name": "a", "id": 1}], "annotations": [{"image_id": 2, "caption": "x"}]})") ==
          "annotations[0]: there is no picture with id 2");
    CHECK(message(R"({"images": [{"file_name": "a", "id": 1}], "annotations": []})") ==
          "the picture \"a\" has no caption");
    CHECK(message("{\"images\": [" + std::string(200000, '[') + std::string(200000, ']') + "]}") ==
          "images[0] has no \"filename\" that is a text");
    CHECK(message("file\tsplit\tcaption\tbase\na\ttrain\tx\ty\na\ttrain\tx\ty\n") == "line 3: \"a\" comes twice");
    CHECK(message("file\tsplit\tcaption\tbase\na\ttrain\tx\n").find("line 2: 3 of the 4 fields") == 0);
    // Names that would break the line, or fill the screen.
    CHECK(message("image,caption\n\"a\nb\",\n") == "line 2: the caption of \"a\\nb\" is empty");
    CHECK(message("a\x03#0\tx\na\x03#0\ty\n") == "line 2: \"a\\u0003#0\" comes twice");
    CHECK(message(std::string(5000, 'a') + "#0\t\n").size() < 150);
    CHECK(message("{\"images\": [1e999]}") == "a number is out of range");
    CHECK(contains(error_of([] { load_captions("nothing.json"); }), "nothing.json: "));
}

TEST_CASE("data/emoji-captions: counts, and a tile for each picture") {
    const auto list = load_captions(root + "/data/emoji-captions/captions.tsv");
    CHECK(list.size() == 3752);
    std::map<std::string, int> counts;
    for (const CaptionedPicture& p : list) counts[p.split]++;
    CHECK(counts == std::map<std::string, int>{{"train", 3213}, {"valid", 229}, {"test", 238}, {"test_pair", 72}});
    CHECK(list[0].captions == std::vector<std::string>{"keycap: #"});
    CHECK(list[0].base == "keycap: #");
    const Picture sheet = load_picture(root + "/data/emoji-captions/sheet.png");
    const auto all = tiles(sheet, 32, static_cast<int64_t>(list.size()));
    CHECK(all.size() == list.size());
    for (int64_t x = 0; x < 32; x++) CHECK(all[65].at(7, x)[1] == sheet.at(32 + 7, 32 + x)[1]);
    for (size_t i = 0; i < list.size(); i++) {  // none of the squares is empty
        const auto& p = all[i].pixels;
        if (std::all_of(p.begin(), p.end(), [](uint8_t v) { return v == 255; })) FAIL_CHECK("no picture at " << i);
    }
    CHECK(contains(error_of([&] { tiles(sheet, 32, 1 << 20); }), "tiles (test_captions.cpp:"));
    CHECK(contains(error_of([&] { tiles(sheet, 0, 1); }), "squares of 0 pixels"));
}

TEST_CASE("load_pictures: the damaged are fatal or skipped, by choice") {
    std::filesystem::copy_file(root + "/tests/data/pictures/smooth.jpg", folder() / "a.jpg");
    folder().write("b.jpg", "text");
    const auto list = load("b.jpg#0\tx\na.jpg#0\ty\nc.jpg#0\tz\n");
    CHECK(contains(error_of([&] { load_pictures(folder().path(), list, 8); }), "b.jpg: is neither a PNG nor a JPEG"));
    const LoadedPictures loaded = load_pictures(folder().path(), list, 8, Damaged::skip);
    REQUIRE(loaded.pictures.size() == 1);
    CHECK(loaded.pictures[0].height == 8);
    CHECK(loaded.pictures[0].width == 8);
    CHECK(loaded.of == std::vector<size_t>{1});
    CHECK(loaded.skipped.size() == 2);
    CHECK(contains(loaded.skipped[1], "c.jpg"));
}

TEST_CASE("caption_words: signs at the end of a word stand alone, and come back") {
    CHECK(caption_words("woman: medium-dark skin tone, red hair") ==
          std::vector<std::string>{"woman", ":", "medium-dark", "skin", "tone", ",", "red", "hair"});
    CHECK(caption_words(" A  dog?! ") == std::vector<std::string>{"A", "dog", "?", "!"});
    CHECK(caption_words("...") == std::vector<std::string>{".", ".", "."});
    CHECK(caption_words("").empty());
    for (const CaptionedPicture& p : load_captions(root + "/data/emoji-captions/captions.tsv"))
        CHECK(caption_text(caption_words(p.captions[0])) == p.captions[0]);
}
