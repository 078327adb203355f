#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "attend/io/file.h"
#include "attend/io/idx.h"
#include "attend/task/dataset.h"
#include "support/expect_error.h"
#include "support/fake_archive.h"
#include "support/gzipped.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::FakeArchive;

class FashionPictures : public testing::Test {
 protected:
  void SetUp() override {
    if (!FakeArchive::possible()) GTEST_SKIP() << "this machine has no apt";
    for (const std::string part : {"train", "t10k"}) {
      const std::int64_t count = part == "train" ? 3 : 2;
      add(part + "-images-idx3-ubyte.gz",
          {.shape = {count, 2, 2},
           .values = std::vector<std::uint8_t>(static_cast<std::size_t>(count * 4), 7)});
      add(part + "-labels-idx1-ubyte.gz",
          {.shape = {count}, .values = std::vector<std::uint8_t>(static_cast<std::size_t>(count), 1)});
    }
  }
  void TearDown() override { ::unsetenv("APT_CONFIG"); }

  void add(const std::string& name, const io::IdxArray& array) {
    const std::vector<std::byte> bytes = io::encode_idx(array);
    files_["usr/share/datasets/fashion-mnist/" + name] =
        test::gzipped({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  DatasetResult make(const std::string& name = "fashion-mnist", std::int64_t scenes = 0) {
    archive_.add_files("dataset-fashion-mnist", files_);
    archive_.sign();
    ::setenv("APT_CONFIG", archive_.configuration().c_str(), 1);
    return prepare_dataset({.name = name,
                            .out = archive_ / "set",
                            .cache = archive_ / "cache",
                            .scenes = scenes,
                            .command = "attend data"});
  }

  std::map<std::string, std::string> files_;
  FakeArchive archive_{{}, {}};
};

TEST_F(FashionPictures, AreTheFilesOfThePackageAndTheNamesOfTheClasses) {
  const DatasetResult result = make();
  EXPECT_EQ(result.unit, "pictures");
  ASSERT_EQ(result.files.size(), 5u);
  EXPECT_EQ(result.files[0].name, "train-images-idx3-ubyte.gz");
  EXPECT_EQ(result.files[0].records, 3);
  EXPECT_EQ(result.files[3].records, 2);
  const fs::path set = archive_ / "set";
  EXPECT_EQ(io::read_idx(set / "t10k-images-idx3-ubyte.gz").shape, (std::vector<std::int64_t>{2, 2, 2}));
  EXPECT_EQ(io::read_file(set / "classes.txt").substr(0, 16), "T-shirt\nTrouser\n");
  const std::string readme = io::read_file(set / "README.md");
  EXPECT_NE(readme.find("| train-images-idx3-ubyte.gz | 3 |"), std::string::npos) << readme;
  EXPECT_EQ(readme.find("UTF-8"), std::string::npos) << readme;
}

TEST_F(FashionPictures, MakeAsManyScenesToLearnFromAsAreAskedFor) {
  const DatasetResult result = make("fashion-scenes", 3);
  const auto count_of = [&](const std::string& name) {
    return std::ranges::find(result.files, name, &DatasetFile::name)->records;
  };
  EXPECT_EQ(count_of("train/images/"), 3);
  EXPECT_EQ(count_of("test/images/"), 1000);
  EXPECT_TRUE(fs::exists(archive_ / "set/train/masks/00002.png"));
  EXPECT_FALSE(fs::exists(archive_ / "set/train/masks/00003.png"));
  EXPECT_ERROR(make("fashion-scenes", 100000), "scenes 100000: 1 to 99999 needed");
  EXPECT_ERROR(make("fashion-mnist", 3), "scenes 3: fashion-mnist has no scenes");
}

TEST_F(FashionPictures, AMissingFileIsNamedAndNothingIsWritten) {
  files_.erase("usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz");
  EXPECT_ERROR(make(), "dataset-fashion-mnist has no file");
  EXPECT_FALSE(fs::exists(archive_ / "set"));
}

}  // namespace
}  // namespace attend::task
