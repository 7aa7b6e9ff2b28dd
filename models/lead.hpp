#pragma once
#include <string>

/// Summaries without learning: how a document begins. What learns must beat them.
namespace unroll {

/// The first sentence: up to a full stop, exclamation or question mark before white space.
std::string first_sentence(const std::string& document);

/// What the first sentence says the thing is: where is, are, provides, .. (see lead.cpp) stands among its first 8
/// words, the 12 words after it, without an article at their beginning; else its first 12 words. Words are runs of a-z
/// and 0-9, capitals taken as small ones.
std::string what_it_is(const std::string& document);

}  // namespace unroll
