#pragma once
#include <fmt/format.h>

#include <functional>
#include <string>

#include "nn/decode.hpp"
#include "tutorials/lesson/elements.hpp"

namespace unroll {

/// All that was in the beam, with log P up to each word; the words of the answer stand out.
inline lesson::Tree beam_tree(const std::string& title, const Decoded& d, const DecodeOptions& o,
                              const std::function<std::string(int32_t)>& word) {
    lesson::Tree tree{.title = title,
                      .caption =
                          "From left to right, step by step; the numbers are log P up to there. What has no "
                          "children was crowded out by others, or has ended. The answer stands out: the best by "};
    tree.caption += o.exponent == 0
                        ? "log P."
                        : fmt::format("$\\log P / {}^\\alpha$, $\\alpha$ = {}, not by log P itself.",
                                      o.penalty == LengthPenalty::plain ? "|y|" : "((5 + |y|) / 6)", o.exponent);
    for (const BeamNode& n : d.tree) tree.nodes.push_back({n.parent, word(n.word), fmt::format("{:.2f}", n.log_prob)});
    for (int i = d.best.at(0).node; i >= 0; i = d.tree[static_cast<size_t>(i)].parent)
        tree.nodes[static_cast<size_t>(i)].chosen = true;
    return tree;
}

}  // namespace unroll
