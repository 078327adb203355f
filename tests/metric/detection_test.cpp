#include "attend/metric/detection.h"

#include <cmath>
#include <limits>

#include "attend/base/parallel.h"
#include "metric/golden_metrics.h"
#include "support/expect_error.h"

namespace attend::metric {
namespace {

using data::AnnotatedBox, data::Box, data::DetectedBox;

struct Pictures {
  std::vector<std::vector<AnnotatedBox>> expected;
  std::vector<std::vector<DetectedBox>> predicted;
};

Box box_of(const nlohmann::json& values) {
  const auto at = [&](std::size_t i) { return values.at(i).get<float>(); };
  return {at(1), at(2), at(1) + at(3), at(2) + at(4), values.at(0).get<std::int64_t>()};
}

Pictures pictures_of(const nlohmann::json& entry) {
  Pictures pictures;
  for (const auto& picture : entry.at("pictures")) {
    auto& expected = pictures.expected.emplace_back();
    for (const auto& object : picture.at("objects")) {
      const int kind = object.at(5).get<int>();
      AnnotatedBox& box = expected.emplace_back(
          AnnotatedBox{.box = box_of(object), .crowd = kind == 1, .difficult = kind == 2});
      if (object.size() > 6) box.area = object.at(6).get<double>();
    }
    auto& predicted = pictures.predicted.emplace_back();
    for (const auto& found : picture.at("found"))
      predicted.push_back({box_of(found), found.at(5).get<double>()});
  }
  return pictures;
}

std::vector<double> stats_of(const DetectionScore& s) {
  return {s.ap,  s.ap50, s.ap75,  s.ap_small, s.ap_medium, s.ap_large,
          s.ar1, s.ar10, s.ar100, s.ar_small, s.ar_medium, s.ar_large};
}

TEST(Detection, EqualsPycocotools) {
  std::ifstream file(ATTEND_GOLDEN_DIR "/detection.json");
  const auto entries = nlohmann::json::parse(file);
  EXPECT_EQ(entries.size(), 11u);
  for (const auto& entry : entries) {
    const auto name = entry.at("name").get<std::string>();
    const auto classes = entry.at("classes").get<std::int64_t>();
    const Pictures pictures = pictures_of(entry);
    const DetectionScore score = detection_score(pictures.expected, pictures.predicted, classes);
    const auto compare = [&](const std::vector<double>& actual, const std::string& what) {
      const auto expected = entry.at(what).get<std::vector<double>>();
      ASSERT_EQ(actual.size(), expected.size()) << name;
      for (std::size_t i = 0; i < actual.size(); ++i)
        test::expect_same(actual[i], expected[i], name + ", " + what + " " + std::to_string(i));
    };
    compare(stats_of(score), "stats");
    compare(score.ap_by_class, "ap_by_class");
    compare(score.ap50_by_class, "ap50_by_class");
    EXPECT_EQ(score.text(), entry.at("text").get<std::string>()) << name;
  }
}

TEST(Detection, DoesNotDependOnThreads) {
  std::ifstream file(ATTEND_GOLDEN_DIR "/detection.json");
  const Pictures pictures = pictures_of(nlohmann::json::parse(file).at(0));
  const int before = threads();
  set_threads(1);
  const DetectionScore one = detection_score(pictures.expected, pictures.predicted, 3);
  set_threads(2);
  const DetectionScore two = detection_score(pictures.expected, pictures.predicted, 3);
  set_threads(before);
  EXPECT_EQ(stats_of(one), stats_of(two));
  EXPECT_GT(one.ap, 0);
}

TEST(Detection, RefusesWhatHasNoScore) {
  using Expected = std::vector<std::vector<AnnotatedBox>>;
  using Predicted = std::vector<std::vector<DetectedBox>>;
  const Box box = {0, 0, 2, 2, 1};
  const auto score = [](const Expected& expected, const Predicted& predicted, std::int64_t classes = 2) {
    return detection_score(expected, predicted, classes);
  };
  const std::vector<double> found = score({{{box}}}, {{{box, 1}}}).ap_by_class;
  EXPECT_EQ(found.at(0), -1);
  test::expect_same(found.at(1), 1, "a class that is found");
  EXPECT_EQ(score({}, {}).ap, -1);
  EXPECT_ERROR(score({{}, {}}, {{}}), "boxes: 1 pictures predicted where 2 are expected");
  EXPECT_ERROR(score({{}}, {{}}, 0), "boxes of 0 classes");
  EXPECT_ERROR(score({{}, {{box}}}, {{}, {}}, 1), "picture 1 has label 1; expected a class from 0 to 0");
  EXPECT_ERROR(score({{}}, {{{{0, 0, 1, 1, -1}, 1}}}), "picture 0 has label -1");
  EXPECT_ERROR(score({{}}, {{{{0, 0, 0, 1, 0}, 1}}}), "from (0, 0) to (0, 1); expected x0 < x1");
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_ERROR(score({{{{0, kNan, 1, 1, 0}}}}, {{}}), "from (0, nan) to (1, 1)");
  EXPECT_ERROR(score({{}}, {{{box, std::nan("")}}}), "a score that is NaN");
  EXPECT_ERROR(score({{{.box = box, .area = -1}}}, {{}}), "an area of -1; 0 or more is needed");
}

}  // namespace
}  // namespace attend::metric
