#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "attend/metric/precision_recall.h"

namespace attend::metric {

/// An entity: tokens [begin, end) of a sentence.
struct TaggedSpan {
  std::string type;
  std::int64_t begin = 0;
  std::int64_t end = 0;

  bool operator==(const TaggedSpan&) const = default;
};

/// The spans of one sentence in order, as conlleval and seqeval (without a scheme) read them. Tags are "O",
/// or one of B I E S, mostly followed by "-TYPE"; without it the type is "_". A span begins at B or S, behind
/// E, S or O, and where the type changes, so that a stray I begins one; E and S end it. Throws Error at any
/// other tag.
std::vector<TaggedSpan> spans_of_tags(std::span<const std::string> tags);

struct SpanScore {
  struct Type {
    PrecisionRecall score;
    std::int64_t expected = 0, predicted = 0, correct = 0;
  };

  /// Over the spans of all types.
  PrecisionRecall micro;
  std::int64_t expected = 0, predicted = 0, correct = 0;
  /// Of each type that occurs on either side.
  std::map<std::string, Type> by_type;
  /// The share of tokens whose tags are the same, and the number of tokens.
  double token_accuracy = 0;
  std::int64_t tokens = 0;

  /// The table that conlleval prints: a line of counts, one of percentages, and one for each type.
  std::string text() const;
};

/// Compares tags sentence by sentence. A span is correct when its type and both ends are. Throws Error when
/// sentences or their tokens differ in number, there is no token, or a tag is none.
SpanScore span_score(std::span<const std::vector<std::string>> expected,
                     std::span<const std::vector<std::string>> predicted);

/// The share of tokens whose tags, of any kind, are the same. Throws Error when sentences or their tokens
/// differ in number or there is no token.
double token_accuracy(std::span<const std::vector<std::string>> expected,
                      std::span<const std::vector<std::string>> predicted);

}  // namespace attend::metric
