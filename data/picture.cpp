#include "data/picture.hpp"

#include <stb_image.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "core/file.hpp"

namespace unroll {
namespace {

/// A file's bytes, read from the front.
struct Bytes {
    std::string_view left;
    const std::string& name;
    std::string_view take(size_t n) {
        if (n > left.size()) throw Error("{}: the picture is cut off", name);
        const std::string_view taken = left.substr(0, n);
        left.remove_prefix(n);
        return taken;
    }
    /// A number of n bytes, the highest one first.
    uint32_t number(size_t n) {
        uint32_t value = 0;
        for (const char c : take(n)) value = value << 8 | uint8_t(c);
        return value;
    }
};

struct Size {
    int64_t height, width;
};

uint32_t checksum(std::string_view bytes) {
    static const auto table = [] {
        std::array<uint32_t, 256> t{};
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ c >> 1 : c >> 1;
            t[i] = c;
        }
        return t;
    }();
    uint32_t c = ~0u;
    for (const char b : bytes) c = table[(c ^ uint8_t(b)) & 0xFF] ^ c >> 8;
    return ~c;
}

/// The size, from the first chunk.
Size png_size(Bytes file) {
    const std::string_view header = file.take(16);
    if (header.substr(0, 8) != std::string_view("\0\0\0\x0DIHDR", 8))
        throw Error("{}: is no PNG: the first chunk is not a header", file.name);
    Bytes sizes{header.substr(8), file.name};
    const int64_t width = sizes.number(4);
    return {sizes.number(4), width};
}

/// Bytes of the rows of a PNG when they are unpacked, each with one more in front. Interlaced: of its seven passes.
int64_t unpacked_bytes(Size size, int64_t bits, bool interlaced) {
    constexpr int passes[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                  {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};  // left, top, step right, step down
    const auto bytes = [&](int64_t w, int64_t h) { return w < 1 ? 0 : h * (1 + (w * bits + 7) / 8); };
    if (!interlaced) return bytes(size.width, size.height);
    int64_t sum = 0;
    for (const auto& [x, y, right, down] : passes)
        sum += bytes((size.width - x + right - 1) / right, (size.height - y + down - 1) / down);
    return sum;
}

/// Throws where a checksum differs, a chunk is cut off, or more is packed than the picture has: a small file must not
/// unpack to gigabytes.
void check_png(Bytes file, Size size) {
    const std::string_view header = file.left.substr(16, 5);
    std::string packed;
    for (;;) {
        const uint32_t length = file.number(4);
        const std::string_view body = file.take(size_t{4} + length), type = body.substr(0, 4);
        if (!std::all_of(type.begin(), type.end(), [](char c) { return (c | ' ') >= 'a' && (c | ' ') <= 'z'; }))
            throw Error("{}: the picture is damaged: a chunk without a name", file.name);
        if (file.number(4) != checksum(body)) throw Error("{}: the picture is damaged: a checksum differs", file.name);
        if (type == "IDAT") packed += body.substr(4);
        if (type == "IEND") break;
    }
    if (header.size() < 5) throw Error("{}: the picture is cut off", file.name);
    const int kind = header[1], channels = kind == 2 ? 3 : kind == 4 ? 2 : kind == 6 ? 4 : 1;
    const int64_t most = unpacked_bytes(size, int64_t{uint8_t(header[0])} * channels, header[4] != 0);
    std::string rows(size_t(std::min<int64_t>(most, INT32_MAX)), 0);
    if (stbi_zlib_decode_buffer(rows.data(), int(rows.size()), packed.data(), int(packed.size())) < 0)
        throw Error("{}: the picture is damaged: it is packed wrong, or more than a picture of its size", file.name);
}

/// The size, from the frame header.
Size jpeg_size(Bytes file) {
    for (;;) {
        while (file.number(1) != 0xFF) continue;
        uint32_t marker = 0xFF;
        while (marker == 0xFF) marker = file.number(1);
        if (marker == 0 || marker == 1 || (marker >= 0xD0 && marker <= 0xD8)) continue;  // these have no body
        const uint32_t length = marker == 0xD9 ? 0 : file.number(2);
        if (length < 2) throw Error("{}: the picture is damaged: a segment of {} bytes", file.name, length);
        Bytes body{file.take(length - 2), file.name};
        if (marker < 0xC0 || marker > 0xCF || marker == 0xC4 || marker == 0xC8 || marker == 0xCC) continue;
        body.number(1);
        const int64_t height = body.number(2);
        return {height, body.number(2)};
    }
}

/// Throws for more scans than any JPEG needs: each goes over all pixels, so a small file would take hours. A scan of n
/// parts begins with its length, 6 + 2n, and n; FF DA before anything else is chance.
void check_scans(std::string_view file, const std::string& name) {
    for (size_t at = 0, scans = 0; (at = file.find("\xFF\xDA", at)) + 5 <= file.size() && at != file.npos; at += 2) {
        const int n = file[at + 4];
        scans += n >= 1 && n <= 4 && file[at + 2] == 0 && file[at + 3] == 6 + 2 * n;
        if (scans > 100) throw Error("{}: more than 100 scans of one picture", name);
    }
}

/// Blends with white: what is left of it where a pixel's opacity is 0 to 255.
uint8_t on_white(uint8_t value, uint8_t opacity) {
    return uint8_t((value * opacity + 255 * (255 - opacity) + 127) / 255);
}

/// For each pixel of a side of n: which of the m before it is made of, and their weights (a triangle as wide as the
/// pixel, and at least as wide as one of the old).
struct Weights {
    std::vector<int64_t> first;
    std::vector<std::vector<float>> of;

    Weights(int64_t m, int64_t n) {
        const double scale = double(m) / double(n), reach = std::max(1.0, scale);
        for (int64_t i = 0; i < n; i++) {
            const double center = (double(i) + 0.5) * scale;
            const int64_t begin = std::max<int64_t>(0, int64_t(center - reach));
            const int64_t end = std::min(m, int64_t(center + reach) + 1);
            std::vector<float> w;
            float sum = 0;
            for (int64_t j = begin; j < end; j++) {
                w.push_back(float(std::max(0.0, 1 - std::abs(double(j) + 0.5 - center) / reach)));
                sum += w.back();
            }
            for (float& x : w) x /= sum;
            first.push_back(begin);
            of.push_back(std::move(w));
        }
    }
};

void check_size(const char* operation, int64_t height, int64_t width, Where at) {
    if (height < 1 || width < 1 || height > 1 << 16 || width > 1 << 16)
        fail(operation, at, "{} x {} pixels: each must be 1 to 65536", height, width);
}

}  // namespace

Picture decode_picture(std::string_view bytes, const std::string& name, const PictureLimits& limits) {
    const std::string_view png = "\x89PNG\r\n\x1A\n", jpeg = "\xFF\xD8\xFF";
    const bool is_png = bytes.substr(0, png.size()) == png;
    if (bytes.empty()) throw Error("{}: the file is empty", name);
    if (!is_png && bytes.substr(0, jpeg.size()) != jpeg) throw Error("{}: is neither a PNG nor a JPEG picture", name);
    if (int64_t(bytes.size()) > std::min<int64_t>(limits.bytes, INT32_MAX))
        throw Error("{}: {} bytes, more than the limit of {}", name, bytes.size(), limits.bytes);
    const std::string_view rest = bytes.substr(is_png ? png.size() : 2);
    const Size size = is_png ? png_size({rest, name}) : jpeg_size({rest, name});
    if (size.height < 1 || size.width < 1) throw Error("{}: the picture has no pixels", name);
    if (size.height > limits.pixels / size.width)
        throw Error("{}: {} x {} pixels, more than the limit of {}", name, size.width, size.height, limits.pixels);
    is_png ? check_png({rest, name}, size) : check_scans(rest, name);
    int width = 0, height = 0, channels = 0;
    const std::unique_ptr<uint8_t, void (*)(void*)> decoded(
        stbi_load_from_memory(reinterpret_cast<const uint8_t*>(bytes.data()), int(bytes.size()), &width, &height,
                              &channels, 0),
        stbi_image_free);
    if (decoded == nullptr) throw Error("{}: the picture is damaged: {}", name, stbi_failure_reason());
    Picture p{height, width, std::vector<uint8_t>(size_t(height) * size_t(width) * 3)};
    const bool grey = channels < 3, transparent = channels % 2 == 0;
    for (size_t i = 0; i < p.pixels.size() / 3; i++) {
        const uint8_t *from = decoded.get() + i * size_t(channels), opacity = transparent ? from[channels - 1] : 255;
        for (size_t c = 0; c < 3; c++) p.pixels[3 * i + c] = on_white(from[grey ? 0 : c], opacity);
    }
    return p;
}

Picture load_picture(const std::string& path, const PictureLimits& limits) {
    return decode_picture(read_file(path, limits.bytes), path, limits);
}

Picture resized(const Picture& p, int64_t height, int64_t width) {
    check_size("resized", height, width, {});
    const Weights across(p.width, width), down(p.height, height);
    std::vector<float> narrow(size_t(p.height * width * 3));  // first each row, then each column
    for (int64_t y = 0; y < p.height; y++)
        for (int64_t x = 0; x < width; x++) {
            const std::vector<float>& w = across.of[size_t(x)];
            float* to = narrow.data() + (y * width + x) * 3;
            for (size_t k = 0; k < w.size(); k++)
                for (int c = 0; c < 3; c++) to[c] += w[k] * float(p.at(y, across.first[size_t(x)] + int64_t(k))[c]);
        }
    Picture result{height, width, std::vector<uint8_t>(size_t(height * width * 3))};
    for (int64_t y = 0; y < height; y++) {
        const std::vector<float>& w = down.of[size_t(y)];
        for (int64_t i = 0; i < width * 3; i++) {
            float sum = 0;
            for (size_t k = 0; k < w.size(); k++)
                sum += w[k] * narrow[size_t((down.first[size_t(y)] + int64_t(k)) * width * 3 + i)];
            result.pixels[size_t(y * width * 3 + i)] = uint8_t(std::clamp(sum + 0.5f, 0.0f, 255.0f));
        }
    }
    return result;
}

Picture cropped(const Picture& p, int64_t top, int64_t left, int64_t height, int64_t width, Where at) {
    if (top < 0 || left < 0 || height < 1 || width < 1 || height > p.height - top || width > p.width - left)
        fail("cropped", at, "{} x {} pixels at row {}, column {} of a picture of {} x {}", height, width, top, left,
             p.height, p.width);
    Picture result{height, width, {}};
    for (int64_t y = top; y < top + height; y++)
        result.pixels.insert(result.pixels.end(), p.at(y, left), p.at(y, left) + width * 3);
    return result;
}

Picture squared(const Picture& p, int64_t size) {
    const int64_t side = std::min(p.height, p.width);
    return resized(cropped(p, (p.height - side) / 2, (p.width - side) / 2, side, side), size, size);
}

Picture mirrored(const Picture& p) {
    Picture result = p;
    for (int64_t y = 0; y < p.height; y++)
        for (int64_t x = 0; x < p.width; x++)
            std::copy_n(p.at(y, p.width - 1 - x), 3, result.pixels.data() + (y * p.width + x) * 3);
    return result;
}

Tensor to_tensor(const std::vector<Picture>& pictures, const PixelScale& scale, Where at) {
    if (pictures.empty()) fail("to_tensor", at, "there are no pictures");
    const int64_t H = pictures[0].height, W = pictures[0].width, B = int64_t(pictures.size());
    Tensor x = Tensor::empty({{B, 'B'}, {3, 'C'}, {H, 'H'}, {W, 'W'}});
    float* to = x.mutable_data<float>();
    for (const Picture& p : pictures) {
        if (p.height != H || p.width != W)
            fail("to_tensor", at, "pictures of {} x {} and of {} x {} pixels", H, W, p.height, p.width);
        for (int c = 0; c < 3; c++)
            for (int64_t i = 0; i < H * W; i++)
                *to++ = (float(p.pixels[size_t(i * 3 + c)]) / 255 - scale.mean[c]) / scale.std[c];
    }
    return x;
}

}  // namespace unroll
