#include "attend/metric/rouge.h"

#include "metric/golden_metrics.h"
#include "support/expect_error.h"

namespace attend::metric {
namespace {

using Texts = std::vector<std::string>;

void expect_scores(const RougeScore& score, const nlohmann::json& expected, const std::string& what) {
  test::expect_same(score.rouge_1, expected.at("rouge1"), "ROUGE-1 of " + what);
  test::expect_same(score.rouge_2, expected.at("rouge2"), "ROUGE-2 of " + what);
  test::expect_same(score.rouge_l, expected.at("rougeL"), "ROUGE-L of " + what);
  test::expect_same(score.rouge_lsum, expected.at("rougeLsum"), "ROUGE-Lsum of " + what);
}

TEST(Rouge, EqualsRougeScore) {
  const auto golden = test::golden_metrics("rouge");
  Texts hypotheses;
  Texts references;
  for (const auto& pair : golden.at("pairs")) {
    hypotheses.push_back(pair.at("hypothesis").get<std::string>());
    references.push_back(pair.at("reference").get<std::string>());
    expect_scores(rouge(hypotheses.back(), references.back()), pair, pair.dump());
  }
  ASSERT_GE(hypotheses.size(), 20U);
  expect_scores(mean_rouge(hypotheses, references), golden.at("mean"), "all pairs");
}

TEST(Rouge, RefusesWhatHasNoScore) {
  const Texts one = {"a"};
  EXPECT_ERROR(mean_rouge(one, Texts{}), "ROUGE: 1 hypotheses for 0 references");
  EXPECT_ERROR(mean_rouge(Texts{}, Texts{}), "ROUGE: no pairs");
  EXPECT_ERROR(mean_rouge(one, Texts{"\xe2\x82"}), "ROUGE: reference 1 is not UTF-8");
  EXPECT_ERROR(rouge("\x80", "a"), "ROUGE: the hypothesis is not UTF-8");
}

}  // namespace
}  // namespace attend::metric
