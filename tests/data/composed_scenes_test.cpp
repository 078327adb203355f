#include "attend/data/composed_scenes.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "attend/data/detections.h"
#include "attend/io/idx.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace attend::data {
namespace {

/// Three classes of 8 x 8 pixels on black: a block of 3 x 5, a block of 6 x 2, and nothing at all.
class ComposedScenesTest : public testing::Test {
 protected:
  LabelledImages items(std::uint8_t ground = 0) const {
    io::IdxArray pictures{{3, 8, 8}, std::vector<std::uint8_t>(192, ground)};
    for (std::size_t y = 0; y < 8; ++y)
      for (std::size_t x = 0; x < 8; ++x) {
        if (y >= 1 && y < 4 && x >= 2 && x < 7) pictures.values[y * 8 + x] = 100;
        if (y >= 2 && x >= 5 && x < 7) pictures.values[64 + y * 8 + x] = 200;
      }
    write("pictures", io::encode_idx(pictures));
    write("labels", io::encode_idx({{3}, {0, 1, 2}}));
    return LabelledImages::from_idx(folder_ / "pictures", folder_ / "labels");
  }

  void write(const std::string& name, const std::vector<std::byte>& bytes) const {
    test::write_all(folder_ / name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  test::TemporaryFolder folder_;
};

TEST_F(ComposedScenesTest, BoxesAndMasksAreExact) {
  const ComposedScenes scenes(items(), {.height = 40, .width = 50, .most_overlap = 0}, 5);
  std::map<std::int64_t, int> boxes;
  for (std::int64_t i = 0; i < 60; ++i) {
    const Scene scene = scenes.scene(i);
    ASSERT_EQ(scene.image.height, 40);
    ASSERT_EQ(scene.image.width, 50);
    ASSERT_EQ(scene.image.channels, 1);
    std::vector<std::uint8_t> pixels(2000), mask(2000);
    for (const Box& box : scene.boxes) {
      ++boxes[box.label];
      EXPECT_EQ(box.x1 - box.x0, box.label == 0 ? 5 : 2);
      EXPECT_EQ(box.y1 - box.y0, box.label == 0 ? 3 : 6);
      for (auto y = static_cast<std::size_t>(box.y0); y < static_cast<std::size_t>(box.y1); ++y)
        for (auto x = static_cast<std::size_t>(box.x0); x < static_cast<std::size_t>(box.x1); ++x) {
          pixels[y * 50 + x] = box.label == 0 ? 100 : 200;
          mask[y * 50 + x] = static_cast<std::uint8_t>(1 + box.label);
        }
    }
    EXPECT_EQ(scene.image.pixels, pixels);
    ASSERT_TRUE(scene.mask);
    EXPECT_EQ(scene.mask->pixels, mask);
  }
  // Of a class without pixels there is nothing to find.
  EXPECT_EQ(boxes.size(), 2u);
  EXPECT_GT(boxes[0], 20);
  EXPECT_GT(boxes[1], 20);
}

TEST_F(ComposedScenesTest, AreAFunctionOfSeedAndNumber) {
  const ComposedScenesOptions options{.most_scale = 2, .noise = 40};
  const ComposedScenes scenes(items(), options, 5), same(items(), options, 5), other(items(), options, 6);
  const Scene last = scenes.scene(3);
  EXPECT_EQ(scenes.scene(0), same.scene(0));
  EXPECT_EQ(same.scene(3), last);
  EXPECT_NE(other.scene(3), last);
  EXPECT_NE(scenes.scene(4), last);
}

TEST_F(ComposedScenesTest, OptionsDoWhatTheySay) {
  std::set<std::size_t> counts;
  double most = 0;
  const ComposedScenes crowded(items(),
                               {.height = 24,
                                .width = 24,
                                .least_items = 6,
                                .most_items = 9,
                                .least_scale = 0.5,
                                .most_scale = 2,
                                .most_overlap = 0.4,
                                .noise = 30},
                               1);
  std::set<float> widths;
  for (std::int64_t i = 0; i < 40; ++i) {
    const Scene scene = crowded.scene(i);
    counts.insert(scene.boxes.size());
    for (std::size_t a = 0; a < scene.boxes.size(); ++a) {
      const Box& box = scene.boxes[a];
      EXPECT_TRUE(box.x0 >= 0 && box.y0 >= 0 && box.x1 <= 24 && box.y1 <= 24);
      if (box.label == 0) widths.insert(box.x1 - box.x0);
      for (std::size_t b = 0; b < a; ++b)
        most = std::max(most,
                        shared_area(box, scene.boxes[b]) / std::min(area_of(box), area_of(scene.boxes[b])));
    }
    for (std::size_t p = 0; p < scene.image.pixels.size(); ++p)
      EXPECT_TRUE(scene.mask->pixels[p] != 0 || scene.image.pixels[p] <= 30);
  }
  EXPECT_LE(most, 0.4);
  EXPECT_GT(most, 0.2);
  EXPECT_LE(*counts.rbegin(), 9u);
  EXPECT_GT(counts.size(), 3u);
  EXPECT_LE(*widths.begin(), 4);
  EXPECT_GE(*widths.rbegin(), 9);
  // A ground that is not quite black, as JPEG leaves it.
  const ComposedScenes grey(items(9), {.least_items = 1, .most_items = 1, .ground = 9}, 1);
  for (std::int64_t i = 0; i < 10; ++i)
    for (const Box& box : grey.scene(i).boxes) EXPECT_EQ(box.x1 - box.x0, box.label == 0 ? 5 : 2);
  // What does not fit is left out.
  EXPECT_TRUE(ComposedScenes(items(), {.height = 2, .width = 2}, 1).scene(0).boxes.empty());
}

TEST_F(ComposedScenesTest, RefusesBadOptions) {
  const auto scenes = [&](const ComposedScenesOptions& options) {
    return ComposedScenes(items(), options, 1);
  };
  EXPECT_ERROR(scenes({.height = 0}), "composed scenes: a picture of height 0");
  EXPECT_ERROR(scenes({.least_items = 3, .most_items = 2}), "3 to 2 items");
  EXPECT_ERROR(scenes({.most_items = 1001}), "expected 0 <= least <= most <= 1000");
  EXPECT_ERROR(scenes({.least_scale = 0}), "scales from 0 to 1");
  EXPECT_ERROR(scenes({.most_scale = std::nan("")}), "scales from 1 to nan");
  EXPECT_ERROR(scenes({.most_overlap = 1.5}), "an overlap of 1.5; 0 to 1 is accepted");
  EXPECT_ERROR(scenes({.ground = 255}), "a ground of 255; 0 to 254 is accepted");
  EXPECT_ERROR(ComposedScenes(items().subset({}), {}, 1), "a set without pictures");
  EXPECT_ERROR(scenes({}).scene(-1), "scene -1; expected a number from 0");
}

}  // namespace
}  // namespace attend::data
