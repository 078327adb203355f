#include "attend/data/image_mask_pairs.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/expect_error.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "support/tiny_masks.h"

namespace attend::data {
namespace {

namespace fs = std::filesystem;

class ImageMaskPairsTest : public testing::Test {
 protected:
  ImageMaskPairsTest() { test::write_discs_and_squares(folder_.path(), 5); }
  ImageMaskPairs open(BadRecords bad = BadRecords::kThrow) const {
    return ImageMaskPairs::from_folder(folder_.path(), {.classes = 3, .bad_records = bad});
  }
  void refused(const std::string& part) const {
    EXPECT_ERROR(open(), part);
    const ImageMaskPairs rest = open(BadRecords::kSkip);
    EXPECT_EQ(rest.skipped().count, 1) << part;
    EXPECT_NE(rest.skipped().first.find(part), std::string::npos) << rest.skipped().first;
    for (std::int64_t i = 0; i < rest.size(); ++i) rest.scene(i);
  }

  test::TemporaryFolder folder_;
};

TEST_F(ImageMaskPairsTest, AFolderGivesPicturesWithTheirMasks) {
  const ImageMaskPairs pairs = open();
  ASSERT_EQ(pairs.size(), 5);
  EXPECT_EQ(pairs.name(3), "3.png");
  EXPECT_EQ(pairs.scene(3), test::disc_and_square(3, 16, 19));
  EXPECT_EQ(pairs.largest_class(), 2);
  const ImageMaskPairs some = pairs.subset({4, 0});
  EXPECT_EQ(some.size(), 2);
  EXPECT_EQ(some.name(0), "4.png");
  EXPECT_EQ(some.scene(1), test::disc_and_square(0));
  EXPECT_EQ(
      pairs.part(Split::train).size() + pairs.part(Split::valid).size() + pairs.part(Split::test).size(), 5);
  EXPECT_ERROR(pairs.scene(5), "pair 5 of a set of 5");
  EXPECT_ERROR(pairs.subset({-1}), "pair -1 of a set of 5");
}

TEST_F(ImageMaskPairsTest, ATableGivesTheSame) {
  test::write_all(folder_ / "pairs.tsv",
                  "mask\timage\nmasks/1.png\timages/1.png\nmasks/0.png\timages/0.png\n");
  const ImageMaskPairs pairs = ImageMaskPairs::from_list(folder_ / "pairs.tsv", {.classes = 3});
  ASSERT_EQ(pairs.size(), 2);
  EXPECT_EQ(pairs.name(0), "images/1.png");
  EXPECT_EQ(pairs.scene(0), test::disc_and_square(1));
  test::write_all(folder_ / "bad.csv", "image,mask\nimages/1.png,masks/9.png\nimages/1.png,masks/1.png\n");
  EXPECT_ERROR(ImageMaskPairs::from_list(folder_ / "bad.csv"),
               "bad.csv, line 2: there is no file 'masks/9.png'");
  const auto rest = ImageMaskPairs::from_list(folder_ / "bad.csv", {.bad_records = BadRecords::kSkip});
  EXPECT_EQ(rest.size(), 1);
  EXPECT_EQ(rest.skipped().count, 1);
  test::write_all(folder_ / "wrong.csv", "picture,mask\n");
  EXPECT_ERROR(ImageMaskPairs::from_list(folder_ / "wrong.csv"), "image");
}

TEST_F(ImageMaskPairsTest, AMissingPartnerIsNamed) {
  fs::remove(folder_ / "masks" / "2.png");
  refused("images/2.png: there is no mask");
  fs::remove(folder_ / "images" / "2.png");
  EXPECT_EQ(open().size(), 4);
  fs::remove(folder_ / "images" / "1.png");
  refused("masks/1.png: there is no picture");
}

TEST_F(ImageMaskPairsTest, OtherFilesAreNamed) {
  test::write_all(folder_ / "images" / "notes.txt", "text");
  refused("notes.txt: expected a picture");
  fs::remove(folder_ / "images" / "notes.txt");
  fs::copy_file(folder_ / "images" / "0.png", folder_ / "images" / "0.jpeg");
  refused("'0.jpeg' has the same mask");
  fs::remove(folder_ / "images" / "0.jpeg");
  test::write_all(folder_ / "masks" / "5.jpg", "text");
  refused("5.jpg: expected a mask, *.png");
  EXPECT_ERROR(ImageMaskPairs::from_folder(folder_ / "images"), "no folder images");
}

TEST_F(ImageMaskPairsTest, AMaskOfAnotherSizeOrClassIsNamed) {
  const auto replace = [&](const io::Image& mask, const std::string& part) {
    test::write_mask(folder_ / "masks" / "1.png", mask);
    EXPECT_ERROR(open().scene(1), part);
    EXPECT_EQ(open(BadRecords::kSkip).size(), 4);
  };
  replace({.height = 16, .width = 15, .channels = 1, .pixels = std::vector<std::uint8_t>(240)},
          "masks/1.png: a mask of 16 x 15 pixels for a picture of 16 x 16");
  io::Image mask = *test::disc_and_square(1).mask;
  mask.pixels[17] = 3;
  replace(mask, "masks/1.png: class 3 at row 1, column 1; expected 0 to 2, or 255");
  EXPECT_EQ(ImageMaskPairs::from_folder(folder_.path()).largest_class(), 3);
  EXPECT_ERROR(ImageMaskPairs::from_folder(folder_.path()).with_classes(3).scene(1), "class 3 at row 1");
  mask.pixels[17] = 255;
  test::write_mask(folder_ / "masks" / "1.png", mask);
  EXPECT_EQ(open().scene(1).mask->pixels[17], 255);
  EXPECT_EQ(open().largest_class(), 2);
  test::write_png(folder_ / "masks" / "1.png", {.height = 1, .width = 1, .pixels = {1, 2, 3}});
  EXPECT_ERROR(open().scene(1), "masks/1.png");
  EXPECT_ERROR(open().largest_class(), "masks/1.png");
}

}  // namespace
}  // namespace attend::data
