#pragma once
#include <string>
#include <vector>

#include "data/batches.hpp"
#include "data/tokens.hpp"
#include "data/utf8.hpp"
#include "data/vocabulary.hpp"

/// Loaders of text. Files are UTF-8; a byte order mark and carriage returns at line ends are left out. What can't be
/// used is an Error of one line that names the file, and the line where there is one.
namespace unroll {

/// Text to learn from, to choose by, and to judge with.
struct TextCorpus {
    std::string name;  // of the folder or file
    std::vector<char32_t> train, valid, test;
};

/// Reads train.txt, valid.txt and test.txt of a folder, or one file of the reader's own, whose last tenth is set aside:
/// 90 % train, 5 % valid, 5 % test, in that order. Throws Error where a part would have fewer than two characters.
TextCorpus load_text(const std::string& path);

/// The same as numbers, by words.
struct TokenCorpus {
    Vocabulary vocabulary;
    std::vector<int32_t> train, valid, test;
};

struct TokenOptions {
    Tokenizer tokenizer = whitespace_words;
    bool lower = false;  // to_lower first
    VocabularyOptions vocabulary = {.special = {"<eos>", "<unk>"}};
};

/// Reads the words of a folder or file as load_text does, one file cut behind the next line feed, or white space where
/// there is none, <eos> behind every line (an empty one too), and numbers those
/// of the train part; words of the others that it lacks are <unk>. A folder may also hold a published corpus as it
/// comes:
///   wiki.train.tokens, wiki.valid.tokens, wiki.test.tokens     WikiText
///   ptb.train.txt, ptb.valid.txt, ptb.test.txt                 Mikolov's Penn Treebank
///   vocab.txt (line n is word n, from 0) and train.u16, valid.u16, test.u16 (ids, two bytes each, the low one first):
///   these are taken as they are, whatever the options
TokenCorpus load_tokens(const std::string& path, const TokenOptions& options = {});

/// The fields of a table with a tab between two of them. Throws Error for a line of fewer than `least` fields, or with
/// an empty one among these, and for a file without lines.
std::vector<std::vector<std::string>> load_table(const std::string& path, size_t least);

struct TextPair {
    std::string source, target;
};
struct PairColumns {
    size_t source = 0, target = 1;
};
/// Two columns of a table: {0, 1} for Tatoeba and ManyThings (source, target, attribution), {2, 3} for data/ui-en-de,
/// {3, 2} for data/debian-summaries (the document, its summary); data/cldr-names has en, de, fr, es, sv in 1 to 5.
std::vector<TextPair> load_pairs(const std::string& path, const PairColumns& columns = {});

}  // namespace unroll
