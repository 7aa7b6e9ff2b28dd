#pragma once
#include <string>
#include <string_view>
#include <vector>

/// Tokenisers: UTF-8 text to tokens. What is scored against published figures needs their tokeniser to the letter
/// (sacreBLEU's 13a is with the metrics, in nn); these are for models to read with.
namespace unroll {

using Tokenizer = std::vector<std::string> (*)(std::string_view);

/// Every character, white space too.
std::vector<std::string> characters(std::string_view text);

/// What stands between white space (is_space), as it is: for text that has been tokenised already, as PTB and WikiText.
std::vector<std::string> whitespace_words(std::string_view text);

/// Runs of letters and digits; every other visible character is a token: "I don't!" gives I, don, ', t, !
std::vector<std::string> simple_words(std::string_view text);

/// Words and punctuation apart in the manner of mteval's 13a, not to the letter: a sign of ASCII punctuation is a
/// token, but for ' and - inside words, and . and , between digits. "I don't pay 3.50." gives I, don't, pay, 3.50 and
/// the full stop.
std::vector<std::string> punctuation_words(std::string_view text);

/// The tokens with spaces in between, so that a reader can read them: no space before , . ; : ! ? ) ] and closing
/// signs, none after ( and [. What the text had is lost, so it need not be the same.
std::string readable(const std::vector<std::string>& tokens);

}  // namespace unroll
