#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// How metrics cut text into tokens. Text is UTF-8; white space is what Python's str.split() takes for it.
namespace unroll {

/// A token as metrics compare it: 64 bits mixed from its bytes. That two of one segment are taken for each other has a
/// probability of 2^-64.
using Tokens = std::vector<uint64_t>;

enum class Tokeniser { v13a, none, characters };

/// The tokens of mteval-v13a.pl, one blank between them, as sacreBLEU cuts: punctuation stands alone, full stops and
/// commas unless both neighbours are digits, hyphens after digits; four entities are undone.
std::string tokenise_13a(std::string_view line);

/// Replaces what `to` holds. none: between white space; characters: every one that is no white space.
void tokenise(std::string_view line, Tokeniser tokeniser, Tokens& to);

/// Google's rouge-score without stemming: runs of a-z and 0-9, letters taken as small ones; the rest separates.
Tokens rouge_tokens(std::string_view text);

/// Every character's small letter, as Python's str.lower(); Σ after a Greek letter at a word's end becomes ς, where
/// Python goes by Unicode's Final_Sigma (other letters before it, marks and apostrophes between).
std::string lowercase(std::string_view text);

}  // namespace unroll
