#include "attend/metric/segmentation.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace attend::metric {
namespace {

using Pixels = std::vector<std::uint8_t>;

TEST(Segmentation, ScoresByHand) {
  PixelConfusion confusion(4);
  // Class 0: 3 expected, 3 predicted, 2 both; class 1: 2, 3, 2; class 2: 1, 0, 0; class 3 nowhere.
  confusion.add(Pixels{0, 0, 0, 1}, Pixels{0, 0, 1, 1});
  confusion.add(Pixels{1, 2, 255}, Pixels{1, 0, 2}, std::uint8_t{255});
  EXPECT_EQ(confusion.count(0, 1), 1);
  EXPECT_EQ(confusion.count(2, 0), 1);
  const SegmentationScore score = segmentation_score(confusion);
  EXPECT_EQ(score.pixels, 6);
  EXPECT_DOUBLE_EQ(score.pixel_accuracy, 4.0 / 6);
  EXPECT_DOUBLE_EQ(score.by_class[0].dice.value(), 4.0 / 6);
  EXPECT_DOUBLE_EQ(score.by_class[0].iou.value(), 2.0 / 4);
  EXPECT_DOUBLE_EQ(score.by_class[1].dice.value(), 4.0 / 5);
  EXPECT_DOUBLE_EQ(score.by_class[1].iou.value(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(score.by_class[2].dice.value(), 0);
  EXPECT_EQ(score.by_class[2].expected, 1);
  EXPECT_FALSE(score.by_class[3].dice.has_value());
  EXPECT_FALSE(score.by_class[3].iou.has_value());
  EXPECT_EQ(score.absent, 1);
  EXPECT_DOUBLE_EQ(score.mean_iou, (0.5 + 2.0 / 3 + 0) / 3);
  EXPECT_DOUBLE_EQ(score.mean_dice, (4.0 / 6 + 0.8 + 0) / 3);
}

TEST(Segmentation, RefusesWhatDoesNotFitAndAddsNothing) {
  EXPECT_ERROR(PixelConfusion(0), "0 classes; there must be 1 to 256");
  EXPECT_ERROR(PixelConfusion(257), "257 classes");
  PixelConfusion confusion(2);
  EXPECT_ERROR(segmentation_score(confusion), "no pixels");
  EXPECT_ERROR(confusion.add(Pixels{0, 1}, Pixels{0}), "1 pixels predicted where 2 are expected");
  EXPECT_ERROR(confusion.add(Pixels{0, 2}, Pixels{0, 0}),
               "pixel 1 has the expected class 2; classes are 0 to 1");
  EXPECT_ERROR(confusion.add(Pixels{0, 1}, Pixels{0, 2}), "the predicted class 2");
  EXPECT_ERROR(confusion.add(Pixels{255}, Pixels{255}, std::uint8_t{255}), "the predicted class 255");
  EXPECT_ERROR(segmentation_score(confusion), "no pixels");
}

}  // namespace
}  // namespace attend::metric
