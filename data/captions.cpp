#include "data/captions.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "core/file.hpp"
#include "data/text.hpp"
#include "data/tokens.hpp"

namespace unroll {
namespace {

using Json = nlohmann::json;

/// The pictures so far, and where each stands.
class Pictures {
  public:
    explicit Pictures(const std::string& path) : path_(path) {}

    CaptionedPicture& add(const std::string& file, const std::string& place) {
        if (file.empty()) throw Error("{}: {}: the name of a picture is empty", path_, place);
        if (!index_.emplace(file, list_.size()).second)
            throw Error("{}: {}: {} comes twice", path_, place, in_quotes(file));
        return list_.emplace_back(
            CaptionedPicture{.file = file, .split = "", .captions = {}, .base = "", .attributes = ""});
    }
    CaptionedPicture& find_or_add(const std::string& file, const std::string& place) {
        const auto found = index_.find(file);
        return found == index_.end() ? add(file, place) : list_[found->second];
    }
    void caption(CaptionedPicture& picture, const std::string& text, const std::string& place) const {
        const size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
        if (begin == text.npos)
            throw Error("{}: {}: the caption of {} is empty", path_, place, in_quotes(picture.file));
        picture.captions.push_back(text.substr(begin, end - begin + 1));
    }
    std::vector<CaptionedPicture> list() {
        if (list_.empty()) throw Error("{}: there are no pictures in it", path_);
        for (const CaptionedPicture& p : list_)
            if (p.captions.empty()) throw Error("{}: the picture {} has no caption", path_, in_quotes(p.file));
        return std::move(list_);
    }

  private:
    const std::string& path_;
    std::vector<CaptionedPicture> list_;
    std::unordered_map<std::string, size_t> index_;
};

std::string line_number(size_t i) { return fmt::format("line {}", i + 1); }

std::vector<CaptionedPicture> read_flickr(const std::string& path, const std::vector<std::string>& lines) {
    Pictures pictures(path);
    std::unordered_set<std::string> seen;
    for (size_t i = 0; i < lines.size(); i++) {
        const size_t tab = lines[i].find('\t'), mark = lines[i].rfind('#', tab);
        if (tab == std::string::npos || mark == std::string::npos)
            throw Error("{}: {}: expected NAME#NUMBER, a tab and a caption", path, line_number(i));
        if (!seen.insert(lines[i].substr(0, tab)).second)
            throw Error("{}: {}: {} comes twice", path, line_number(i), in_quotes(lines[i].substr(0, tab)));
        pictures.caption(pictures.find_or_add(lines[i].substr(0, mark), line_number(i)), lines[i].substr(tab + 1),
                         line_number(i));
    }
    return pictures.list();
}

/// Records of fields between commas; a field in quotes may hold commas, line feeds and doubled quotes. Each record with
/// the line it begins in.
std::vector<std::pair<size_t, std::vector<std::string>>> read_csv(const std::string& path, const std::string& text) {
    std::vector<std::pair<size_t, std::vector<std::string>>> records;
    size_t line = 0;
    for (size_t i = 0; i < text.size();) {
        std::vector<std::string> fields(1);
        const size_t first = line;
        for (bool quoted = false;; i++) {
            if (i == text.size() && quoted) throw Error("{}: {}: a quote is not closed", path, line_number(first));
            if (i == text.size()) break;
            const char c = text[i];
            line += c == '\n';
            if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"')
                fields.back() += text[i++];
            else if (c == '"' && (quoted || fields.back().empty()))
                quoted = !quoted;
            else if (!quoted && c == ',')
                fields.emplace_back();
            else if (!quoted && c == '\n')
                break;
            else
                fields.back() += c;
        }
        i++;
        records.emplace_back(first, std::move(fields));
    }
    return records;
}

std::vector<CaptionedPicture> read_flickr_csv(const std::string& path, const std::string& text) {
    Pictures pictures(path);
    const auto records = read_csv(path, text);
    for (size_t i = 1; i < records.size(); i++) {
        const auto& [line, fields] = records[i];
        if (fields.size() != 2)
            throw Error("{}: {}: {} fields, expected the picture's name and a caption", path, line_number(line),
                        fields.size());
        pictures.caption(pictures.find_or_add(fields[0], line_number(line)), fields[1], line_number(line));
    }
    return pictures.list();
}

std::vector<CaptionedPicture> read_table(const std::string& path) {
    Pictures pictures(path);
    const auto rows = load_table(path, 4);
    for (size_t i = 1; i < rows.size(); i++) {
        CaptionedPicture& p = pictures.add(rows[i][0], line_number(i));
        p.split = rows[i][1], p.base = rows[i][3], p.attributes = rows[i].size() > 4 ? rows[i][4] : "";
        pictures.caption(p, rows[i][2], line_number(i));
    }
    return pictures.list();
}

/// A member of a JSON object: throws Error naming the place where it isn't there, or is none of these.
const Json& member(const std::string& path, const Json& object, const char* name, bool (Json::*is)() const noexcept,
                   const char* kind, const std::string& place) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    if (found == object.end() || !((*found).*is)())
        throw Error("{}: {} has no \"{}\" that is {}", path, place, name, kind);
    return *found;
}

/// The members of one object.
struct Members {
    const std::string& path;
    const Json& object;
    std::string place;

    const Json& list(const char* name) const { return member(path, object, name, &Json::is_array, "a list", place); }
    const std::string& text(const char* name) const {
        return member(path, object, name, &Json::is_string, "a text", place).get_ref<const std::string&>();
    }
    int64_t number(const char* name) const {
        return member(path, object, name, &Json::is_number_integer, "a whole number", place).get<int64_t>();
    }
};

std::vector<CaptionedPicture> read_json(const std::string& path, const std::string& text) {
    Json json;
    try {
        json = Json::parse(text);
    } catch (const Json::parse_error& e) {
        throw Error("{}: is no JSON from byte {} on", path, e.byte);
    } catch (const Json::exception&) {
        throw Error("{}: a number is out of range", path);
    }
    Pictures pictures(path);
    const Members file{path, json, "the file"};
    const Json& images = file.list("images");
    const bool coco = json.contains("annotations");
    std::unordered_map<int64_t, std::string> names;
    for (size_t i = 0; i < images.size(); i++) {
        const Members image{path, images[i], fmt::format("images[{}]", i)};
        std::string name = image.text(coco ? "file_name" : "filename");
        if (!coco && images[i].contains("filepath")) name = image.text("filepath") + "/" + name;
        CaptionedPicture& p = pictures.add(name, image.place);
        if (coco && !names.emplace(image.number("id"), name).second)
            throw Error("{}: {}: its id comes twice", path, image.place);
        if (coco) continue;
        p.split = image.text("split") == "restval" ? "train" : image.text("split");
        for (const Json& sentence : image.list("sentences"))
            pictures.caption(p, Members{path, sentence, image.place + ": a sentence"}.text("raw"), image.place);
    }
    if (!coco) return pictures.list();
    const Json& annotations = file.list("annotations");
    for (size_t i = 0; i < annotations.size(); i++) {
        const Members annotation{path, annotations[i], fmt::format("annotations[{}]", i)};
        const auto found = names.find(annotation.number("image_id"));
        if (found == names.end())
            throw Error("{}: {}: there is no picture with id {}", path, annotation.place,
                        annotation.number("image_id"));
        pictures.caption(pictures.find_or_add(found->second, annotation.place), annotation.text("caption"),
                         annotation.place);
    }
    return pictures.list();
}

}  // namespace

std::vector<CaptionedPicture> load_captions(const std::string& path) {
    const std::string bytes = read_file(path);
    const size_t begin = bytes.find_first_not_of("\xEF\xBB\xBF \t\r\n");
    if (begin == bytes.npos) throw Error("{}: the file is empty", path);
    if (bytes[begin] == '{' || bytes[begin] == '[') return read_json(path, bytes);
    const std::string text = encode_utf8(decode_utf8(bytes, path));
    if (text.compare(0, 14, "image,caption\n") == 0) return read_flickr_csv(path, text);
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size(); at = std::min(text.find('\n', at), text.size()) + 1)
        lines.push_back(text.substr(at, text.find('\n', at) - at));
    if (lines[0].compare(0, 19, "file\tsplit\tcaption\t") == 0) return read_table(path);
    return read_flickr(path, lines);
}

std::vector<Picture> tiles(const Picture& sheet, int64_t side, int64_t count, Where at) {
    if (side < 1 || count < 0 || (sheet.width / side) * (sheet.height / side) < count)
        fail("tiles", at, "{} squares of {} pixels from a sheet of {} x {}", count, side, sheet.height, sheet.width);
    std::vector<Picture> all;
    const int64_t a_row = sheet.width / side;
    for (int64_t i = 0; i < count; i++)
        all.push_back(cropped(sheet, i / a_row * side, i % a_row * side, side, side, at));
    return all;
}

/// Signs that end a word.
static bool is_sign(std::string_view word) {
    return word.size() == 1 && std::string_view(",.:;!?").find(word) != word.npos;
}

std::vector<std::string> caption_words(const std::string& caption) {
    std::vector<std::string> words;
    for (std::string& word : whitespace_words(caption)) {
        size_t end = word.size();
        while (end > 1 && is_sign(std::string_view(word).substr(end - 1, 1))) end--;
        words.push_back(word.substr(0, end));
        for (size_t i = end; i < word.size(); i++) words.push_back(word.substr(i, 1));
    }
    return words;
}

std::string caption_text(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() || is_sign(word) ? "" : " ") + word;
    return text;
}

LoadedPictures load_pictures(const std::string& folder, const std::vector<CaptionedPicture>& list, int64_t size,
                             Damaged damaged, const PictureLimits& limits) {
    LoadedPictures loaded;
    for (size_t i = 0; i < list.size(); i++) try {
            loaded.pictures.push_back(
                squared(load_picture((std::filesystem::path(folder) / list[i].file).string(), limits), size));
            loaded.of.push_back(i);
        } catch (const Error& e) {
            if (damaged == Damaged::fatal) throw;
            loaded.skipped.push_back(e.what());
        }
    return loaded;
}

}  // namespace unroll
