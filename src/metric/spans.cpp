#include "attend/metric/spans.h"

#include <fmt/format.h>

#include <iterator>
#include <set>
#include <string_view>
#include <tuple>

#include "attend/base/error.h"
#include "io/printable.h"

namespace attend::metric {
namespace {

using Sentences = std::span<const std::vector<std::string>>;

struct Tag {
  /// One of O B I E S.
  char place = 'O';
  std::string_view type;
};

Tag read_tag(const std::string& text) {
  const std::string_view places = "OBIES";
  const bool has_place = !text.empty() && places.find(text[0]) != std::string_view::npos;
  const bool has_type = text.size() > 2 && text[1] == '-' && text[0] != 'O';
  if (!has_place || (text.size() > 1 && !has_type))
    throw Error(fmt::format("tag {} is none of a span; accepted are O, B-TYPE, I-TYPE, E-TYPE and S-TYPE",
                            io::printable(text)));
  if (text[0] == 'O') return {};
  return {text[0], has_type ? std::string_view(text).substr(2) : std::string_view("_")};
}

/// Whether a span that holds the first tag ends before the second.
bool ends_between(const Tag& tag, const Tag& next) {
  if (tag.place == 'O') return false;
  if (tag.place == 'E' || tag.place == 'S') return true;
  return next.place == 'O' || next.place == 'B' || next.place == 'S' || next.type != tag.type;
}

std::int64_t count_tokens(Sentences expected, Sentences predicted) {
  if (expected.size() != predicted.size())
    throw Error(
        fmt::format("tags: {} sentences predicted where {} are expected", predicted.size(), expected.size()));
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].size() != predicted[i].size())
      throw Error(fmt::format("tags: sentence {} has {} predicted tags where {} are expected", i + 1,
                              predicted[i].size(), expected[i].size()));
    tokens += static_cast<std::int64_t>(expected[i].size());
  }
  if (tokens == 0) throw Error("tags: no tokens; at least one is needed");
  return tokens;
}

std::string percentages(const PrecisionRecall& score) {
  return fmt::format("precision: {:6.2f}%; recall: {:6.2f}%; FB1: {:6.2f}", 100 * score.precision,
                     100 * score.recall, 100 * score.f1);
}

}  // namespace

std::vector<TaggedSpan> spans_of_tags(std::span<const std::string> tags) {
  std::vector<TaggedSpan> spans;
  Tag previous;
  std::int64_t begin = 0;
  for (std::size_t i = 0; i <= tags.size(); ++i) {
    const Tag tag = i < tags.size() ? read_tag(tags[i]) : Tag{};
    const auto here = static_cast<std::int64_t>(i);
    const bool ended = ends_between(previous, tag);
    if (ended) spans.push_back({std::string(previous.type), begin, here});
    if (ended || previous.place == 'O') begin = here;
    previous = tag;
  }
  return spans;
}

SpanScore span_score(Sentences expected, Sentences predicted) {
  SpanScore result;
  result.tokens = count_tokens(expected, predicted);
  result.token_accuracy = token_accuracy(expected, predicted);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    std::set<std::tuple<std::string, std::int64_t, std::int64_t>> wanted;
    for (const TaggedSpan& span : spans_of_tags(expected[i])) {
      wanted.emplace(span.type, span.begin, span.end);
      ++result.by_type[span.type].expected;
    }
    for (const TaggedSpan& span : spans_of_tags(predicted[i])) {
      SpanScore::Type& type = result.by_type[span.type];
      ++type.predicted;
      if (wanted.count({span.type, span.begin, span.end}) > 0) ++type.correct;
    }
  }
  for (auto& [name, type] : result.by_type) {
    type.score = precision_recall(type.correct, type.predicted, type.expected);
    result.expected += type.expected;
    result.predicted += type.predicted;
    result.correct += type.correct;
  }
  result.micro = precision_recall(result.correct, result.predicted, result.expected);
  return result;
}

double token_accuracy(Sentences expected, Sentences predicted) {
  const std::int64_t tokens = count_tokens(expected, predicted);
  std::int64_t same = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    for (std::size_t j = 0; j < expected[i].size(); ++j)
      if (expected[i][j] == predicted[i][j]) ++same;
  return static_cast<double>(same) / static_cast<double>(tokens);
}

std::string SpanScore::text() const {
  std::string result = fmt::format(
      "processed {} tokens with {} phrases; found: {} phrases; correct: {}.\naccuracy: {:6.2f}%; {}\n",
      tokens, expected, predicted, correct, 100 * token_accuracy, percentages(micro));
  for (const auto& [name, type] : by_type)
    result += fmt::format("{:>17}: {}  {}\n", name, percentages(type.score), type.predicted);
  return result;
}

}  // namespace attend::metric
