#pragma once
#include "core/tape.hpp"

namespace unroll {

/// A size of something on a picture; one number is both: `.stride = 2`, `.padding = {0, 1}`.
struct Pair {
    int64_t height, width;
    constexpr Pair(int64_t both) : height(both), width(both) {}
    constexpr Pair(int64_t height, int64_t width) : height(height), width(width) {}
    std::string str() const { return fmt::format("{} x {}", height, width); }
};

/// A kernel that moves by `stride` over pictures [B, C, H, W] with `padding` around them.
struct Window {
    Pair kernel, stride, padding;

    /// How often it fits down and across. Throws Error where it never does, or a size makes no sense.
    Pair places(const char* operation, const Operand& x) const {
        if (x.shape().rank() != 4) fail(operation, x.at, "{}, expected [B, C, H, W]", x.label("x"));
        constexpr int64_t most = 1 << 24;
        for (int64_t n : {kernel.height, kernel.width, stride.height, stride.width})
            if (n < 1 || n > most)
                fail(operation, x.at, "kernel {}, stride {}: each must be 1 to {}", kernel.str(), stride.str(), most);
        // More would only add rows and columns of nothing but padding.
        const Pair most_padding{x.shape()[2] + kernel.height, x.shape()[3] + kernel.width};
        if (padding.height < 0 || padding.width < 0 || padding.height > most_padding.height ||
            padding.width > most_padding.width)
            fail(operation, x.at, "padding {}: expected 0 to {}, the picture and the kernel together", padding.str(),
                 most_padding.str());
        const Pair picture{x.shape()[2] + 2 * padding.height, x.shape()[3] + 2 * padding.width};
        if (kernel.height > picture.height || kernel.width > picture.width)
            fail(operation, x.at, "the kernel, {}, is larger than the pictures of {} with their padding, {}",
                 kernel.str(), x.label("x"), picture.str());
        return {(picture.height - kernel.height) / stride.height + 1,
                (picture.width - kernel.width) / stride.width + 1};
    }
};

}  // namespace unroll
