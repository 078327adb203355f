#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>

#include "attend/data/image_mask_pairs.h"
#include "attend/io/file.h"
#include "attend/task/dataset.h"
#include "support/expect_error.h"
#include "support/fake_archive.h"
#include "support/gzipped.h"
#include "support/nifti_file.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::FakeArchive;

constexpr std::int16_t kSlices = 70;

class BrainSlices : public testing::Test {
 protected:
  void SetUp() override {
    if (!FakeArchive::possible()) GTEST_SKIP() << "this machine has no apt";
    // Slices of 3 x 2: each place of a slice is as bright as the number of the slice; the left column is
    // brain.
    std::vector<std::uint8_t> head, brain;
    for (int z = 0; z < kSlices; ++z)
      for (int i = 0; i < 6; ++i) {
        head.push_back(static_cast<std::uint8_t>(z));
        brain.push_back(i % 3 == 0 ? 9 : 0);
      }
    add("ch2.nii.gz", {.shape = {3, 2, kSlices}}, head);
    add("ch2bet.nii.gz", {.shape = {3, 2, kSlices}}, brain);
  }
  void TearDown() override { ::unsetenv("APT_CONFIG"); }

  void add(const std::string& name, const test::NiftiContent& content,
           const std::vector<std::uint8_t>& voxels) {
    files_["usr/share/mricron/templates/" + name] = test::gzipped(test::nifti_file(content, voxels));
  }
  DatasetResult make() {
    archive_.add_files("mricron-data", files_);
    archive_.sign();
    ::setenv("APT_CONFIG", archive_.configuration().c_str(), 1);
    return prepare_dataset({.name = "brain-mri",
                            .out = archive_ / "set",
                            .cache = archive_ / "cache",
                            .command = "attend data"});
  }

  std::map<std::string, std::string> files_;
  FakeArchive archive_{{}, {}};
};

TEST_F(BrainSlices, AreCutIntoSlabsWithGapsAndMasks) {
  const DatasetResult result = make();
  EXPECT_EQ(result.unit, "slices");
  std::map<std::string, std::int64_t> records;
  for (const DatasetFile& file : result.files) records[file.name] = file.records.value_or(0);
  // 0-15 and 40-55 train, 20-35 valid, 60-69 test.
  EXPECT_EQ(records["train/images/"], 32);
  EXPECT_EQ(records["train/masks/"], 32);
  EXPECT_EQ(records["valid/images/"], 16);
  EXPECT_EQ(records["test/masks/"], 10);
  const fs::path set = archive_ / "set";
  for (const char* part : {"train", "valid", "test"}) {
    const auto pairs = data::ImageMaskPairs::from_folder(set / part, {.classes = 2});
    EXPECT_EQ(pairs.size(), records[std::string(part) + "/images/"]);
    for (std::int64_t i = 0; i < pairs.size(); ++i) {
      const data::Scene scene = pairs.scene(i);
      const int place = std::stoi(pairs.name(i));
      ASSERT_EQ(scene.image.pixels,
                std::vector<std::uint8_t>(6, static_cast<std::uint8_t>(std::lround(255.0 * place / 69))));
      ASSERT_EQ(scene.mask->pixels, (std::vector<std::uint8_t>{1, 0, 0, 1, 0, 0}));
    }
  }
  EXPECT_EQ(io::read_file(set / "train/classes.txt"), "outside\nbrain\n");
  const std::string readme = io::read_file(set / "README.md");
  EXPECT_NE(readme.find("| train/images/ | 32 |"), std::string::npos) << readme;
  EXPECT_NE(readme.find("| train/classes.txt | - |"), std::string::npos) << readme;
  EXPECT_FALSE(fs::exists(set / "train/images/017.png"));
}

TEST_F(BrainSlices, AMissingFileIsNamedAndNothingIsWritten) {
  files_.erase("usr/share/mricron/templates/ch2bet.nii.gz");
  EXPECT_ERROR(make(), "mricron-data has no file");
  EXPECT_FALSE(fs::exists(archive_ / "set"));
}

TEST_F(BrainSlices, VolumesOfOtherSizesAreRefused) {
  add("ch2bet.nii.gz", {.shape = {3, 2, 1}}, std::vector<std::uint8_t>(6));
  EXPECT_ERROR(make(), "do not fit each other");
  EXPECT_FALSE(fs::exists(archive_ / "set"));
}

}  // namespace
}  // namespace attend::task
