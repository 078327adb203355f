#include "attend/metric/classification.h"

#include <limits>

#include "metric/golden_metrics.h"
#include "support/expect_error.h"

namespace attend::metric {
namespace {

using Labels = std::vector<std::int64_t>;
using LabelSets = std::vector<Labels>;

void expect_classes(const std::vector<ClassScore>& actual, const nlohmann::json& expected,
                    const std::string& name) {
  ASSERT_EQ(actual.size(), expected.size()) << name;
  for (std::size_t c = 0; c < actual.size(); ++c) {
    test::expect_same(actual[c].score, expected.at(c), name + ", class " + std::to_string(c));
    EXPECT_EQ(actual[c].expected, expected.at(c).at(3).get<std::int64_t>()) << name;
  }
}

TEST(Classification, EqualsScikitLearn) {
  const auto golden = test::golden_metrics("classification").at("single");
  ASSERT_GE(golden.size(), 7U);
  for (const auto& entry : golden) {
    const auto name = entry.at("name").get<std::string>();
    const auto score =
        classification_score(entry.at("expected").get<Labels>(), entry.at("predicted").get<Labels>(),
                             entry.at("classes").get<std::int64_t>());
    test::expect_same(score.accuracy, entry.at("accuracy").get<double>(), name + ", accuracy");
    test::expect_same(score.accuracy, entry.at("micro_f1").get<double>(), name + ", micro F1");
    test::expect_same(score.macro, entry.at("macro"), name + ", macro");
    expect_classes(score.by_class, entry.at("by_class"), name);
    EXPECT_EQ(score.confusion, entry.at("confusion").get<LabelSets>()) << name;
  }
}

TEST(Classification, SeveralLabelsEqualScikitLearn) {
  const auto golden = test::golden_metrics("multilabel");
  ASSERT_GE(golden.size(), 3U);
  for (const auto& entry : golden) {
    const std::string name = entry.at("classes").dump() + " classes";
    const auto score =
        multilabel_score(entry.at("expected").get<LabelSets>(), entry.at("predicted").get<LabelSets>(),
                         entry.at("classes").get<std::int64_t>());
    test::expect_same(score.exact, entry.at("exact").get<double>(), name + ", exact");
    test::expect_same(score.micro, entry.at("micro"), name + ", micro");
    test::expect_same(score.macro, entry.at("macro"), name + ", macro");
    expect_classes(score.by_class, entry.at("by_class"), name);
  }
}

TEST(Classification, CalibrationEqualsItsDefinition) {
  const auto golden = test::golden_metrics("classification").at("calibration");
  ASSERT_GE(golden.size(), 3U);
  for (const auto& entry : golden) {
    const auto confidence = entry.at("confidence").get<std::vector<double>>();
    const auto result = calibration(confidence, entry.at("correct").get<std::vector<bool>>(),
                                    entry.at("bins").get<std::int64_t>());
    test::expect_same(result.error, entry.at("error").get<double>(), entry.at("bins").dump() + " bins");
  }
  // By hand: 0.05 and 1/15 in the first bin, one right; 1 in the last, wrong.
  const Calibration small = calibration(std::vector<double>{0.05, 1.0 / 15, 1 + 5e-7}, {true, false, false});
  ASSERT_EQ(small.bins.size(), 15U);
  EXPECT_EQ(small.bins[0].count, 2);
  EXPECT_EQ(small.bins[1].count, 0);
  EXPECT_EQ(small.bins[14].count, 1);
  test::expect_same(small.bins[0].accuracy, 0.5, "accuracy of the first bin");
  EXPECT_NEAR(small.error, (2 * (0.5 - (0.05 + 1.0 / 15) / 2) + 1) / 3, 1e-6);
}

TEST(Classification, RefusesWhatHasNoScore) {
  EXPECT_ERROR(classification_score(Labels{0}, Labels{}, 2), "0 items predicted where 1 are expected");
  EXPECT_ERROR(classification_score(Labels{}, Labels{}, 2), "classification: no items");
  EXPECT_ERROR(classification_score(Labels{0}, Labels{0}, 0), "classification: 0 classes");
  EXPECT_ERROR(classification_score(Labels{0, 2}, Labels{0, 0}, 2),
               "item 2 has the expected class 2; classes are 0 to 1");
  EXPECT_ERROR(classification_score(Labels{0}, Labels{-1}, 2), "item 1 has the predicted class -1");
  EXPECT_ERROR(multilabel_score(LabelSets{{}}, LabelSets{}, 2), "0 items predicted where 1 are expected");
  EXPECT_ERROR(multilabel_score(LabelSets{}, LabelSets{}, 2), "no items");
  EXPECT_ERROR(multilabel_score(LabelSets{{1, 1}}, LabelSets{{}}, 2),
               "item 1 has the expected class 1 twice");
  EXPECT_ERROR(multilabel_score(LabelSets{{}}, LabelSets{{5}}, 2), "item 1 has the predicted class 5");
}

TEST(Classification, RefusesBadConfidence) {
  using Numbers = std::vector<double>;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_ERROR(calibration(Numbers{}, {}), "calibration: no items");
  EXPECT_ERROR(calibration(Numbers{0.5}, {}), "1 confidences for 0 items");
  EXPECT_ERROR(calibration(Numbers{0.5, nan}, {true, true}),
               "confidence of item 2 is nan; it must be in [0, 1]");
  EXPECT_ERROR(calibration(Numbers{1.1}, {true}), "confidence of item 1 is 1.1");
  EXPECT_ERROR(calibration(Numbers{-0.1}, {true}), "confidence of item 1 is -0.1");
  EXPECT_ERROR(calibration(Numbers{0.5}, {true}, 0), "0 bins");
}

}  // namespace
}  // namespace attend::metric
