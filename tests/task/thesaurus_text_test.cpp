#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "attend/data/split.h"
#include "attend/io/file.h"
#include "attend/task/dataset.h"
#include "support/expect_error.h"
#include "support/fake_archive.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::FakeArchive;

constexpr const char* kFile = "usr/share/mythes/th_en_US_v2.dat";

class ThesaurusText : public testing::Test {
 protected:
  void SetUp() override {
    if (!FakeArchive::possible()) GTEST_SKIP() << "this machine has no apt";
  }
  void TearDown() override { ::unsetenv("APT_CONFIG"); }

  DatasetResult make(const std::string& content, const char* file = kFile) {
    archive_.add_file("mythes-en-us", file, content);
    archive_.sign();
    ::setenv("APT_CONFIG", archive_.configuration().c_str(), 1);
    return prepare_dataset({.name = "thesaurus",
                            .out = archive_ / "set",
                            .cache = archive_ / "cache",
                            .command = "attend data"});
  }
  std::vector<std::string> lines(const std::string& part) const {
    std::istringstream text(io::read_file(archive_ / "set" / (part + ".txt")));
    std::vector<std::string> all;
    for (std::string line; std::getline(text, line);) all.push_back(line);
    return all;
  }
  std::multiset<std::string> all_lines() const {
    std::multiset<std::string> all;
    for (const char* part : {"train", "valid", "test"})
      for (const std::string& line : lines(part)) all.insert(line);
    return all;
  }

  FakeArchive archive_{{}, {}};
};

TEST_F(ThesaurusText, HasALineOfWordsThatMeanTheSameForEachMeaning) {
  make(
      "UTF-8\n"
      "bad|2\n"
      "(adj)|awful (similar term)|dire (similar term)|good (antonym)|bad|awful\n"
      "(noun)|badness|quality (generic term)\n"
      "hound|2\n"
      "(noun)|dog (generic term)\n"
      "(verb)|hunt|trace (generic term)|The Hunt|hunt down\n"
      "The Hague|1\n"
      "(noun)|den haag\n");
  EXPECT_EQ(all_lines(), (std::multiset<std::string>{"bad , awful , dire", "bad , badness",
                                                     "hound , hunt , trace , hunt down"}));
}

TEST_F(ThesaurusText, AWordIsInOnePartAndLongLinesAreCut) {
  std::string content = "UTF-8\n", long_one = "(adj)";
  const auto word = [](int i) { return fmt::format("w{}{}", char('a' + i / 26), char('a' + i % 26)); };
  for (int i = 0; i < 300; ++i) content += fmt::format("{}|2\n(adj)|one|{}\n(adv)|two|{}\n", word(i), i, i);
  for (int i = 0; i < 24; ++i) long_one += "|" + word(i);
  const DatasetResult result = make(content + "zero|1\n" + long_one + "\n");
  EXPECT_EQ(result.unit, "lines");
  std::int64_t count = 0;
  for (const DatasetFile& file : result.files) {
    const std::string part = file.name.substr(0, file.name.size() - 4);
    const std::vector<std::string> list = lines(part);
    EXPECT_EQ(file.records, static_cast<std::int64_t>(list.size())) << part;
    count += file.records.value();
    for (const std::string& line : list) {
      const data::Split expected = part == "train"   ? data::Split::train
                                   : part == "valid" ? data::Split::valid
                                                     : data::Split::test;
      if (line.ends_with("one") || line.ends_with("two")) {
        EXPECT_EQ(data::split_of(line.substr(0, 3)), expected) << line;
      }
    }
    EXPECT_FALSE(std::ranges::is_sorted(list)) << part << ": words that begin alike stand together";
  }
  EXPECT_EQ(count, 602);
  const auto all = all_lines();
  EXPECT_EQ(all.count(word(23)), 1u);  // the 25th word of the long line
}

TEST_F(ThesaurusText, WhatIsWrongIsNamedWithItsLine) {
  EXPECT_ERROR(make("ISO8859-1\n"), "mythes-en-us: usr/share/mythes/th_en_US_v2.dat, line 1: expected the");
  EXPECT_FALSE(fs::exists(archive_ / "set"));
}

TEST_F(ThesaurusText, AnEntryThatIsNotWholeIsNamed) {
  EXPECT_ERROR(make("UTF-8\nbad|2\n(adj)|awful\n"), "line 3: expected 2 meanings");
}

TEST_F(ThesaurusText, ANumberOfMeaningsIsNeeded) {
  EXPECT_ERROR(make("UTF-8\nbad|none\n"), "line 2: expected a word and the number of its meanings");
}

TEST_F(ThesaurusText, AMissingFileIsNamed) {
  EXPECT_ERROR(make("UTF-8\n", "usr/share/mythes/other.dat"), "mythes-en-us has no file");
  EXPECT_FALSE(fs::exists(archive_ / "set"));
}

}  // namespace
}  // namespace attend::task
