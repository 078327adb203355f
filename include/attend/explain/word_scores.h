#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/explain/terminal.h"

namespace attend::explain {

/// Which words of a text decided, by one or several measures.
struct WordScores {
  std::string title;  ///< shown above every picture; may be empty
  std::string text;   ///< may be any bytes
  /// The words are text.substr(begin, end - begin), in order; what is between them is white space.
  struct Word {
    std::size_t begin = 0, end = 0;
    bool operator==(const Word&) const = default;
  };
  std::vector<Word> words;
  /// A number for each word: above 0 for the answer, below 0 against it.
  struct Measure {
    std::string name, meaning;
    std::vector<double> scores;
  };
  std::vector<Measure> measures;
};

/// The words of a text: what stands between ASCII white space.
std::vector<WordScores::Word> words_of(std::string_view text);

/// Scores of pieces to scores of words: a piece's score is shared out by the bytes of it that lie in each
/// word; those in white space go to the word behind it, at the end to the one before it. `pieces` give the
/// text when put one after the other; the sum stays the same. Throws Error when counts or texts do not fit,
/// or there is no word.
std::vector<double> merged_scores(std::string_view text, const std::vector<WordScores::Word>& words,
                                  const std::vector<std::string>& pieces, std::span<const double> scores);

/// Throws Error unless words lie in the text in order and every measure has a finite score for each word.
void check(const WordScores& scores);

/// The text for each measure, with the words in the colours of their scores (those against it dimmed), and
/// the words with the largest scores as numbers. Of the options width, top (words listed), color, unicode and
/// theme count. Throws Error if check() does.
std::string to_terminal(const WordScores& scores, const TerminalOptions& options = {});

/// One HTML file that needs no network: words for it are blue, words against it orange. Text and title are
/// data, never markup. Throws Error if check() does.
std::string to_html(const WordScores& scores);

/// One JSON object (UTF-8, ending in a newline) for other programs:
///
///     {"format": "attend-word-scores", "version": 1, "title": "...", "text": "...",
///      "words": [{"text": "fine", "begin": 2, "end": 6}, ...],
///      "measures": [{"name": "...", "meaning": "...", "scores": [0.25, ...]}, ...]}
///
/// begin and end count bytes. Bytes that are not UTF-8 become U+FFFD. Throws Error if check() does.
std::string to_json(const WordScores& scores);

}  // namespace attend::explain
