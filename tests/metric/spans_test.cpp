#include "attend/metric/spans.h"

#include "metric/golden_metrics.h"
#include "support/expect_error.h"

namespace attend::metric {
namespace {

using Tags = std::vector<std::string>;
using Sentences = std::vector<Tags>;

TEST(Spans, EqualSeqevalAndConlleval) {
  int tables = 0;
  for (const auto& entry : test::golden_metrics("spans")) {
    const auto name = entry.at("name").get<std::string>();
    const auto expected = entry.at("expected").get<Sentences>();
    const auto predicted = entry.at("predicted").get<Sentences>();
    for (std::size_t i = 0; i < predicted.size(); ++i) {
      std::vector<TaggedSpan> spans;
      for (const auto& span : entry.at("spans").at(i))
        spans.push_back(
            {span.at(0).get<std::string>(), span.at(1).get<std::int64_t>(), span.at(2).get<std::int64_t>()});
      EXPECT_EQ(spans_of_tags(predicted[i]), spans) << name;
    }
    const SpanScore score = span_score(expected, predicted);
    test::expect_same(score.micro, entry.at("micro"), name);
    test::expect_same(score.token_accuracy, entry.at("accuracy").get<double>(), name);
    ASSERT_EQ(score.by_type.size(), entry.at("by_type").size()) << name;
    for (const auto& type : entry.at("by_type").items()) {
      test::expect_same(score.by_type.at(type.key()).score, type.value(), name + ", " + type.key());
      EXPECT_EQ(score.by_type.at(type.key()).expected, type.value().at(3).get<std::int64_t>()) << name;
    }
    if (!entry.contains("conlleval")) continue;
    EXPECT_EQ(score.text(), entry.at("conlleval").get<std::string>()) << name;
    ++tables;
  }
  EXPECT_EQ(tables, 4);
}

TEST(Spans, TokenAccuracyTakesAnyTags) {
  const Sentences expected = {{"NOUN", "VERB"}, {"X"}, {}};
  const Sentences predicted = {{"NOUN", "NOUN"}, {"X"}, {}};
  test::expect_same(token_accuracy(expected, predicted), 2.0 / 3, "two of three");
}

TEST(Spans, RefusesWhatHasNoScore) {
  const Sentences one = {{"O", "B-A"}};
  EXPECT_ERROR(span_score(one, Sentences{}), "tags: 0 sentences predicted where 1 are expected");
  EXPECT_ERROR(span_score(one, Sentences{{"O"}}),
               "tags: sentence 1 has 1 predicted tags where 2 are expected");
  EXPECT_ERROR(token_accuracy(one, Sentences{{"O"}}), "sentence 1 has 1 predicted tags");
  EXPECT_ERROR(span_score(Sentences{}, Sentences{}), "tags: no tokens");
  EXPECT_ERROR(token_accuracy(Sentences{{}}, Sentences{{}}), "tags: no tokens");
  for (const char* bad : {"", "NOUN", "B-", "B_A", "O-A", "o", "OO"})
    EXPECT_ERROR(spans_of_tags(Tags{bad}), std::string("tag '") + bad + "' is none of a span");
}

}  // namespace
}  // namespace attend::metric
