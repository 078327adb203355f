#include "task/scene_files.h"

#include <gtest/gtest.h>

#include "attend/data/detection_images.h"
#include "attend/data/image_mask_pairs.h"
#include "attend/io/idx.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;

/// Scenes of two classes of small blocks.
class SceneFiles : public testing::Test {
 protected:
  SceneFiles() {
    io::IdxArray pictures{{2, 6, 6}, std::vector<std::uint8_t>(72)};
    for (std::size_t i = 0; i < 4; ++i) {
      pictures.values[6 + i] = 200;       // 1 x 4
      pictures.values[36 + 6 * i] = 100;  // 4 x 1
    }
    write("pictures", io::encode_idx(pictures));
    write("labels", io::encode_idx({{2}, {0, 1}}));
  }

  void write(const std::string& name, const std::vector<std::byte>& bytes) const {
    test::write_all(folder_ / name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  data::ComposedScenes scenes() const {
    return {data::LabelledImages::from_idx(folder_ / "pictures", folder_ / "labels",
                                           {.classes = {"flat", "high"}}),
            {.height = 24, .width = 20, .noise = 30},
            7};
  }

  test::TemporaryFolder folder_;
};

TEST_F(SceneFiles, AreReadByTheTasksTheyAreFor) {
  const std::vector<WholeFile> files = scene_files(scenes(), "train", 5);
  ASSERT_EQ(files.size(), 12u);
  for (const WholeFile& file : files) {
    fs::create_directories((folder_ / file.name).parent_path());
    test::write_all(folder_ / file.name, file.content);
  }
  const fs::path part = folder_ / "train";
  const auto objects = data::DetectionImages::from_coco(part / "annotations.json", part);
  const auto masks = data::ImageMaskPairs::from_folder(part, {.classes = 3});
  EXPECT_EQ(objects.class_names(), (std::vector<std::string>{"flat", "high"}));
  EXPECT_EQ(test::read_all(part / "classes.txt"), "ground\nflat\nhigh\n");
  ASSERT_EQ(objects.size(), 5);
  ASSERT_EQ(masks.size(), 5);
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < 5; ++i) {
    const data::Scene expected = scenes().scene(i);
    EXPECT_EQ(objects.image(i), expected.image);
    EXPECT_EQ(objects.scene(i).boxes, expected.boxes);
    EXPECT_EQ(masks.scene(i).image, expected.image);
    EXPECT_EQ(masks.scene(i).mask, expected.mask);
    count += static_cast<std::int64_t>(expected.boxes.size());
  }
  EXPECT_GT(count, 5);
  EXPECT_EQ(files[10].name, "train/annotations.json");
  EXPECT_EQ(files[10].records, count);
}

}  // namespace
}  // namespace attend::task
