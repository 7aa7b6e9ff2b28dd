#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.hpp"

/// Pictures in colour, from PNG and JPEG files, to tensors. What can't be used is an Error that names the file.
namespace unroll {

/// Rows from the top, of each pixel red, green and blue.
struct Picture {
    int64_t height = 0, width = 0;
    std::vector<uint8_t> pixels;  // [height, width, 3]

    const uint8_t* at(int64_t y, int64_t x) const { return pixels.data() + (y * width + x) * 3; }
};

struct PictureLimits {
    int64_t pixels = int64_t{1} << 26;  // height times width: 2^26, 67 million
    int64_t bytes = int64_t{1} << 28;   // of the file
};

/// Any PNG (checksums are compared) or JPEG, also grey, CMYK, 16 bits, interlaced or progressive. Transparent pixels
/// are blended with white, of an animated picture the first one counts. Throws Error for another kind of file, one that
/// is damaged or ends too early, and, before anything is decoded, for one beyond the limits.
Picture load_picture(const std::string& path, const PictureLimits& limits = {});
Picture decode_picture(std::string_view bytes, const std::string& name, const PictureLimits& limits = {});

/// In another size: each pixel the mean of those it covers (enlarged: between the nearest), weighted by a triangle.
Picture resized(const Picture& p, int64_t height, int64_t width);
/// The part of this size whose upper left corner is at (top, left). Throws Error where it isn't inside.
Picture cropped(const Picture& p, int64_t top, int64_t left, int64_t height, int64_t width, Where at = {});
/// The middle square, side by side pixels: the shorter side resized to `size`.
Picture squared(const Picture& p, int64_t size);
/// Left and right exchanged.
Picture mirrored(const Picture& p);

struct PixelScale {
    float mean[3] = {0.5f, 0.5f, 0.5f}, std[3] = {0.5f, 0.5f, 0.5f};  // of red, green, blue from 0 to 1
};
/// [B, C=3, H, W], (value / 255 - mean) / std. Throws Error where sizes differ.
Tensor to_tensor(const std::vector<Picture>& pictures, const PixelScale& scale = {}, Where at = {});

}  // namespace unroll
