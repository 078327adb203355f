#include "task/detect/data.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/temporary_folder.h"
#include "support/tiny_detections.h"

namespace attend::task {
namespace {

/// The smallest box around all bright pixels.
data::Box bright_part(const float* pixels, std::int64_t height, std::int64_t width) {
  data::Box box{1e9F, 1e9F, 0, 0};
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      if (pixels[y * width + x] > 0.5F) {
        const auto left = static_cast<float>(x), top = static_cast<float>(y);
        box = {std::min(box.x0, left), std::min(box.y0, top), std::max(box.x1, left + 1),
               std::max(box.y1, top + 1)};
      }
  return box;
}

TEST(DetectBatches, TakeBoxesWhereTheirPicturesGo) {
  const test::TemporaryFolder folder;
  test::write_voc_scenes(folder / "pictures", 20);
  const data::DetectionImages images = open_detection_images({.path = folder / "pictures"}, false);
  DetectConfig config;
  config.model.set_data(2, 1);
  config.size = {.height = 40, .width = 56};
  config.pixels = {.mean = {0, 0, 0}, .deviation = {1, 1, 1}};
  DetectOptions options;
  options.zoom = 0.5;
  options.seed = 3;
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < images.size(); ++i)
    if (images.boxes(i).size() == 1) rows.push_back(i);
  std::vector<float> sides;
  for (std::int64_t index = 0; index < 4; ++index) {
    const DetectBatch batch = changed_scenes(images, rows, config, options, index);
    ASSERT_EQ(batch.pictures.shape(), (Shape{static_cast<std::int64_t>(rows.size()), 40, 56, 1}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (batch.targets[i].empty()) continue;
      const data::Box box = batch.targets[i][0];
      const data::Box bright = bright_part(batch.pictures.data<float>() + i * std::size_t{40} * 56, 40, 56);
      EXPECT_EQ(box.label, images.boxes(rows[i])[0].box.label);
      EXPECT_GT(test::overlap_of(box, bright), 0.7) << i;
      sides.push_back((box.x1 - box.x0) /
                      (images.boxes(rows[i])[0].box.x1 - images.boxes(rows[i])[0].box.x0));
    }
    EXPECT_EQ(changed_scenes(images, rows, config, options, index).pictures.to_vector<float>(),
              batch.pictures.to_vector<float>());
  }
  // 40 / 48 in the middle, half as much again and less.
  const auto [least, most] = std::ranges::minmax(sides);
  EXPECT_LT(least, 0.65F);
  EXPECT_GT(most, 1.0F);
  EXPECT_LT(most, 1.3F);
}

TEST(FittedPictures, KeepTheirProportionsAndBoxesComeBack) {
  DetectConfig config;
  config.model.set_data(2, 1);
  config.size = {.height = 60, .width = 80};
  const data::Scene wide{.image = {.height = 20, .width = 100, .pixels = std::vector<std::uint8_t>(6000, 9)},
                         .boxes = {{10, 5, 50, 20, 1}}};
  const FittedPicture seen = fitted(wide, config);
  EXPECT_EQ(seen.height, 16);
  EXPECT_EQ(seen.width, 80);
  EXPECT_EQ(seen.scene.image.height, 60);
  EXPECT_EQ(seen.scene.image.channels, 1);
  // The middle of the range of values is the mean that pictures are filled with.
  EXPECT_EQ(seen.scene.image.pixels.front(), 9);
  EXPECT_EQ(seen.scene.image.pixels.back(), 128);
  EXPECT_EQ(seen.scene.boxes, (std::vector<data::Box>{{8, 4, 40, 16, 1}}));
  EXPECT_EQ(box_in_picture({8, 4, 40, 16, 1}, seen, wide.image), (data::Box{10, 5, 50, 20, 1}));
  // What was added belongs to no picture.
  EXPECT_EQ(box_in_picture({-8, 8, 90, 60}, seen, wide.image), (data::Box{0, 10, 100, 20}));
  EXPECT_FALSE(data::has_inside(box_in_picture({8, 20, 40, 50}, seen, wide.image)));
  EXPECT_EQ(size_in_proportion(wide.image, 50), (PictureSize{.height = 10, .width = 50}));
  EXPECT_EQ(size_in_proportion({.height = 1000, .width = 10}, 16), (PictureSize{.height = 16, .width = 1}));
}

}  // namespace
}  // namespace attend::task
