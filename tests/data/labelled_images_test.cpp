#include "attend/data/labelled_images.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <thread>

#include "attend/io/idx.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/gzipped.h"
#include "support/jpeg.h"
#include "support/temporary_folder.h"

namespace attend::data {
namespace {

using Strings = std::vector<std::string>;
using Labels = std::vector<std::int64_t>;

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A picture of one grey.
std::string png(std::uint8_t value, std::int64_t channels = 1) {
  io::Image image{.height = 2, .width = 3, .channels = channels};
  image.pixels.assign(static_cast<std::size_t>(6 * channels), value);
  return text_of(io::encode_png(image));
}

class LabelledImagesTest : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    test::write_all(folder_ / name, content);
    return folder_ / name;
  }

  /// The first value of each picture.
  static std::vector<int> greys(const LabelledImages& set) {
    std::vector<int> values;
    for (std::int64_t i = 0; i < set.size(); ++i) values.push_back(set.image(i).pixels[0]);
    return values;
  }

  void write_pets() const {
    write("pets/dog/b.PNG", png(20));
    write("pets/dog/a.jpeg", png(10));
    write("pets/cat/1.png", png(30));
    write("pets/README", "about pets");
    write("pets/cat/.hidden", "");
  }

  test::TemporaryFolder folder_;
};

TEST_F(LabelledImagesTest, IdxPairs) {
  const io::IdxArray pictures{{3, 1, 2}, {1, 2, 3, 4, 5, 6}}, numbers{{3}, {2, 0, 2}};
  const auto images = write("images.gz", test::gzipped(text_of(io::encode_idx(pictures))));
  const auto labels = write("labels", text_of(io::encode_idx(numbers)));
  const LabelledImages set = LabelledImages::from_idx(images, labels);
  EXPECT_EQ(set.labels(), (Labels{2, 0, 2}));
  EXPECT_EQ(set.class_names(), (Strings{"0", "1", "2"}));
  EXPECT_EQ(set.image(1), (io::Image{1, 2, 1, {3, 4}}));
  EXPECT_EQ(set.name(2), "2");
  const LabelledImages named =
      LabelledImages::from_idx(images, labels, {.classes = {"a", "b", "c", "d"}, .image = {.channels = 3}});
  EXPECT_EQ(named.class_names(), (Strings{"a", "b", "c", "d"}));
  EXPECT_EQ(named.image(2), (io::Image{1, 2, 3, {5, 5, 5, 6, 6, 6}}));
  const auto color = write("color", text_of(io::encode_idx({{1, 1, 1, 3}, {7, 8, 9}})));
  const auto one = write("one", text_of(io::encode_idx({{1}, {0}})));
  EXPECT_EQ(LabelledImages::from_idx(color, one).image(0), (io::Image{1, 1, 3, {7, 8, 9}}));

  EXPECT_ERROR(LabelledImages::from_idx(images, one),
               "one: sizes 1; expected a label for each of the 3 pictures");
  EXPECT_ERROR(LabelledImages::from_idx(labels, labels),
               "labels: sizes 3; expected pictures: n x height x width");
  EXPECT_ERROR(LabelledImages::from_idx(images, images), "images.gz: sizes 3 x 1 x 2; expected a label");
  EXPECT_ERROR(LabelledImages::from_idx(images, labels, {.classes = {"a", "b"}}),
               "labels: label 2 of picture 0; expected one of the 2 classes, from 0");
  EXPECT_ERROR(LabelledImages::from_idx(folder_ / "none", labels), "none: No such file");
  EXPECT_ERROR(LabelledImages::from_idx(images, labels, {.classes = {"a", "a", "b"}}), "not all different");
  EXPECT_ERROR(set.image(3), "picture 3 of a set of 3; expected a number from 0 to 2");
  EXPECT_ERROR(set.name(-1), "picture -1 of a set of 3");
}

TEST_F(LabelledImagesTest, FoldersAreClasses) {
  write_pets();
  const LabelledImages set = LabelledImages::from_folder(folder_ / "pets");
  EXPECT_EQ(set.class_names(), (Strings{"cat", "dog"}));
  EXPECT_EQ(set.labels(), (Labels{0, 1, 1}));
  EXPECT_EQ(greys(set), (std::vector<int>{30, 10, 20}));
  EXPECT_EQ(set.name(1), "dog/a.jpeg");
  EXPECT_EQ(set.skipped().count, 0);
  // A test set whose classes are those of another.
  const LabelledImages same =
      LabelledImages::from_folder(folder_ / "pets", {.classes = {"dog", "bird", "cat"}});
  EXPECT_EQ(same.labels(), (Labels{2, 0, 0}));
  EXPECT_EQ(LabelledImages::from_folder(folder_ / "pets", {.image = {.channels = 3}}).image(0).channels, 3);
}

TEST_F(LabelledImagesTest, BadFoldersAreErrorsOrSkipped) {
  EXPECT_ERROR(LabelledImages::from_folder(folder_ / "none"), "none: No such file or directory");
  EXPECT_ERROR(LabelledImages::from_folder(folder_.path()),
               "expected a subfolder of pictures for each class");
  write_pets();
  const auto pets = folder_ / "pets";
  EXPECT_ERROR(LabelledImages::from_folder(pets, {.classes = {"cat", "dot"}}),
               "dog: no class 'dog'; did you mean 'dot'?");
  const auto notes = write("pets/cat/notes.txt", "");
  EXPECT_ERROR(LabelledImages::from_folder(pets), "notes.txt: expected a picture, *.png, *.jpg or *.jpeg");
  std::filesystem::remove(notes);
  std::filesystem::create_directories(folder_ / "pets/bird");
  EXPECT_ERROR(LabelledImages::from_folder(pets), "bird: class 'bird' has no picture");
  write("pets/bird/x.png", "hello");
  const LabelledImages lazy = LabelledImages::from_folder(pets);
  EXPECT_EQ(lazy.size(), 4);
  EXPECT_ERROR(lazy.image(0), "x.png: it is no PNG or JPEG picture");
  write("pets/cat/notes.txt", "");
  const LabelledImages set = LabelledImages::from_folder(pets, {.bad_records = BadRecords::kSkip});
  EXPECT_EQ(set.class_names(), (Strings{"bird", "cat", "dog"}));
  EXPECT_EQ(set.labels(), (Labels{1, 2, 2}));
  EXPECT_EQ(greys(set), (std::vector<int>{30, 10, 20}));
  EXPECT_EQ(set.skipped().count, 2);
  EXPECT_NE(set.skipped().first.find("notes.txt"), std::string::npos) << set.skipped().first;
}

TEST_F(LabelledImagesTest, ListsNamePicturesBesideThem) {
  write("set/pictures/a.png", png(1));
  write("set/pictures/b.png", png(2));
  const auto list =
      write("set/list.csv", "id,label,path\n1,y,pictures/b.png\n2,x,pictures/a.png\n3,y,pictures/a.png\n");
  const LabelledImages set = LabelledImages::from_list(list);
  EXPECT_EQ(set.class_names(), (Strings{"x", "y"}));
  EXPECT_EQ(set.labels(), (Labels{1, 0, 1}));
  EXPECT_EQ(greys(set), (std::vector<int>{2, 1, 1}));
  EXPECT_EQ(set.name(0), "pictures/b.png");
  const auto tsv = write("set/list.tsv", "file\tkind\npictures/a.png\tz\n");
  const LabelledImages other =
      LabelledImages::from_list(tsv, {.classes = {"z"}, .path = "file", .label = "kind"});
  EXPECT_EQ(other.class_names(), (Strings{"z"}));
  EXPECT_EQ(greys(other), (std::vector<int>{1}));
}

TEST_F(LabelledImagesTest, BadListsAreErrorsOrSkipped) {
  write("a.png", png(1));
  write("broken.png", png(1).substr(0, 60));
  EXPECT_ERROR(LabelledImages::from_list(write("list.txt", "")), "list.txt: expected a file named");
  EXPECT_ERROR(LabelledImages::from_list(write("no.csv", "path,lable\n")),
               "no.csv, line 1: no column 'label'");
  EXPECT_ERROR(LabelledImages::from_list(write("one.csv", "path,label\na.png,x\n")), "has 1 different label");
  const auto list = write("list.csv", "path,label\na.png,x\nb.png,y\nbroken.png,x\n,y\na.png,y\n");
  EXPECT_ERROR(LabelledImages::from_list(list), "list.csv, line 5: column 'path' is empty");
  EXPECT_ERROR(LabelledImages::from_list(write("c.csv", "path,label\na.png,x\nb.png,y\n")),
               "c.csv, line 3: there is no file 'b.png'");
  EXPECT_ERROR(
      LabelledImages::from_list(write("d.csv", "path,label\na.png,cat\n"), {.classes = {"cot", "dog"}}),
      "d.csv, line 2: no class 'cat'; did you mean 'cot'?");
  const LabelledImages set = LabelledImages::from_list(list, {.bad_records = BadRecords::kSkip});
  EXPECT_EQ(set.labels(), (Labels{0, 1}));
  EXPECT_EQ(set.name(1), "a.png");
  EXPECT_EQ(set.skipped().count, 3);
}

TEST_F(LabelledImagesTest, PartsAreDeterminedByNames) {
  const std::int64_t n = 400;
  io::IdxArray pictures{{n, 1, 1}, {}}, numbers{{n}, {}};
  for (std::int64_t i = 0; i < n; ++i) {
    pictures.values.push_back(static_cast<std::uint8_t>(i));
    numbers.values.push_back(static_cast<std::uint8_t>(i % 3));
  }
  const LabelledImages set = LabelledImages::from_idx(write("i", text_of(io::encode_idx(pictures))),
                                                      write("l", text_of(io::encode_idx(numbers))));
  const SplitShares shares{.valid = 0.1, .test = 0.2};
  std::multiset<std::string> names;
  for (const Split part : {Split::train, Split::valid, Split::test}) {
    const LabelledImages chosen = set.part(part, shares);
    EXPECT_EQ(chosen.class_names(), set.class_names());
    for (std::int64_t i = 0; i < chosen.size(); ++i) {
      const std::string name = chosen.name(i);
      names.insert(name);
      const std::int64_t original = std::stoll(name);
      EXPECT_EQ(split_of(name, shares), part);
      EXPECT_EQ(chosen.labels()[static_cast<std::size_t>(i)], original % 3);
      EXPECT_EQ(chosen.image(i).pixels[0], static_cast<std::uint8_t>(original));
    }
    const double share = static_cast<double>(chosen.size()) / static_cast<double>(n);
    const double expected = part == Split::train ? 0.7 : part == Split::valid ? 0.1 : 0.2;
    // Four standard deviations of a share of 400.
    EXPECT_TRUE(std::abs(share - expected) <= 0.1) << share;
  }
  EXPECT_EQ(names.size(), 400u);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 400u);
  const LabelledImages two = set.subset({7, 3});
  EXPECT_EQ(greys(two), (std::vector<int>{7, 3}));
  EXPECT_EQ(two.subset({1}).name(0), "3");
  EXPECT_ERROR(two.subset({2}), "picture 2 of a set of 2");
}

TEST_F(LabelledImagesTest, ThreadsMayReadAtOnce) {
  for (int i = 0; i < 8; ++i) {
    io::Image image{.height = 9, .width = 11, .channels = 3};
    for (int k = 0; k < 297; ++k) image.pixels.push_back(static_cast<std::uint8_t>(k * i));
    const std::string name = "s/" + std::to_string(i % 2) + "/" + std::to_string(i) + ".png";
    write(name, text_of(i % 3 == 0 ? test::jpeg(image) : io::encode_png(image)));
  }
  const LabelledImages set = LabelledImages::from_folder(folder_ / "s");
  std::vector<io::Image> expected;
  for (std::int64_t i = 0; i < set.size(); ++i) expected.push_back(set.image(i));
  std::vector<std::thread> threads;
  std::vector<int> same(4);
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 10; ++round)
        for (std::int64_t i = 0; i < set.size(); ++i)
          same[t] += set.image(i) == expected[static_cast<std::size_t>(i)];
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, (std::vector<int>(4, 80)));
}

}  // namespace
}  // namespace attend::data
