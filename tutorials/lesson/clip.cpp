#include "tutorials/lesson/clip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tutorials/lesson/text.hpp"
#include "tutorials/lesson/web_libs.hpp"

namespace unroll::lesson {

std::string clip_html(const Clip& clip) {
    return fmt::format("<audio controls=\"controls\" aria-label=\"{}\" src=\"data:audio/wav;base64,{}\"></audio>\n",
                       html(plain(clip.title)), base64(encode_sound(clip.sound)));
}

std::vector<std::string> clip_lines(const Clip& clip, size_t columns) {
    const auto& x = clip.sound.samples;
    const size_t n = std::min<size_t>({columns, 60, x.size()});
    std::vector<float> loudest(n);
    for (size_t i = 0; i < x.size(); i++) {
        float& most = loudest[i * n / x.size()];
        most = std::max(most, std::abs(x[i]));
    }
    const float top = n > 0 ? *std::max_element(loudest.begin(), loudest.end()) : 0;
    const char* const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    std::string line;
    for (const float most : loudest) line += bars[top > 0 ? std::lround(8 * most / top) : 0];
    return {line,
            fmt::format("{:.2f} seconds, to be heard in the page", clip.sound.rate > 0 ? clip.sound.seconds() : 0)};
}

}  // namespace unroll::lesson
