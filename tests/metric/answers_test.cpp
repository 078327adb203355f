#include "attend/metric/answers.h"

#include <limits>

#include "metric/golden_metrics.h"
#include "support/expect_error.h"

namespace attend::metric {
namespace {

std::vector<AnsweredQuestion> questions_of(const nlohmann::json& golden) {
  std::vector<AnsweredQuestion> result;
  for (const auto& entry : golden.at("questions"))
    result.push_back({entry.at("prediction").get<std::string>(),
                      entry.at("answers").get<std::vector<std::string>>(),
                      entry.at("no_answer").get<double>()});
  return result;
}

void expect_group(const AnswerScore::Group& group, const nlohmann::json& expected,
                  const std::string& prefix) {
  if (!expected.contains(prefix + "total")) {
    EXPECT_EQ(group.questions, 0) << prefix;
    return;
  }
  test::expect_same(group.exact, expected.at(prefix + "exact").get<double>(), prefix + "exact");
  test::expect_same(group.f1, expected.at(prefix + "f1").get<double>(), prefix + "f1");
  EXPECT_EQ(group.questions, expected.at(prefix + "total").get<std::int64_t>()) << prefix;
}

void expect_score(const AnswerScore& score, const nlohmann::json& expected) {
  expect_group(score.all, expected, "");
  expect_group(score.with_answer, expected, "HasAns_");
  expect_group(score.without_answer, expected, "NoAns_");
}

TEST(Answers, EachQuestionEqualsSquad) {
  const auto golden = test::golden_metrics("answers");
  const auto questions = questions_of(golden);
  ASSERT_GE(questions.size(), 20U);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& expected = golden.at("questions").at(i);
    const AnswerMatch match = match_answer(questions[i]);
    test::expect_same(match.exact, expected.at("exact").get<double>(), expected.dump());
    test::expect_same(match.f1, expected.at("f1").get<double>(), expected.dump());
    EXPECT_EQ(normalize_answer(questions[i].prediction), expected.at("normalized").get<std::string>());
  }
}

TEST(Answers, TotalsEqualSquad) {
  const auto golden = test::golden_metrics("answers");
  auto questions = questions_of(golden);
  expect_score(answer_score(questions), golden.at("plain"));
  expect_score(answer_score(questions, 0.5), golden.at("threshold_0.5"));
  const auto& best = golden.at("threshold_0.5");
  const BestThresholds found = best_thresholds(questions);
  test::expect_same(found.exact.score, best.at("best_exact").get<double>(), "best exact");
  test::expect_same(found.exact.threshold, best.at("best_exact_thresh").get<double>(), "its threshold");
  test::expect_same(found.f1.score, best.at("best_f1").get<double>(), "best F1");
  test::expect_same(found.f1.threshold, best.at("best_f1_thresh").get<double>(), "its threshold");
  std::erase_if(questions, [](const AnsweredQuestion& question) { return question.answers.empty(); });
  expect_score(answer_score(questions), golden.at("only_answers"));
}

TEST(Answers, RefusesWhatHasNoScore) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  using Questions = std::vector<AnsweredQuestion>;
  EXPECT_ERROR(answer_score(Questions{}), "answers: no questions");
  EXPECT_ERROR(best_thresholds(Questions{}), "answers: no questions");
  EXPECT_ERROR(answer_score(Questions{{"a", {"b"}, nan}}), "no_answer of question 1 is nan");
  EXPECT_ERROR(answer_score(Questions{{"a", {"b"}}}, nan), "threshold is nan");
  EXPECT_ERROR(answer_score(Questions{{"\xff", {"b"}}}), "prediction for question 1 is not UTF-8");
  EXPECT_ERROR(answer_score(Questions{{"a", {"\xff"}}}), "an answer to question 1 is not UTF-8");
  EXPECT_ERROR(normalize_answer("\xff"), "is not UTF-8");
}

}  // namespace
}  // namespace attend::metric
