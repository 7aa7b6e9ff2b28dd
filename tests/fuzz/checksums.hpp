#pragma once
#include <cstdint>
#include <string>
#include <string_view>

/// The bytes of a PNG with the checksum of each chunk put right, so that changes behind it are looked at.
inline std::string with_checksums(std::string_view bytes) {
    std::string png(bytes);
    const auto number = [&](size_t at) {
        uint32_t value = 0;
        for (size_t i = 0; i < 4; i++) value = value << 8 | uint8_t(png[at + i]);
        return value;
    };
    if (bytes.substr(0, 4) != "\x89PNG") return png;
    for (size_t at = 8; at + 12 <= png.size();) {
        const size_t length = number(at);
        if (length > png.size() - at - 12) break;
        uint32_t c = ~0u;
        for (size_t i = at + 4; i < at + 8 + length; i++) {
            c ^= uint8_t(png[i]);
            for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ c >> 1 : c >> 1;
        }
        for (size_t i = 0; i < 4; i++) png[at + 8 + length + i] = char(~c >> (24 - 8 * i));
        at += 12 + length;
    }
    return png;
}
