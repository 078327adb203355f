#include "attend/data/sequence_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace attend::data {
namespace {

using Ids = std::vector<std::int32_t>;

class SequenceFileTest : public testing::Test {
 protected:
  void write(const std::vector<Ids>& sequences, std::int64_t vocabulary, std::int64_t fields = 1) const {
    SequenceFile::write(path_, {.vocabulary = vocabulary, .fields = fields, .source = 77},
                        [&](const SequenceFile::Sink& add) {
                          for (const Ids& ids : sequences) add(ids);
                        });
  }
  std::string bytes() const {
    std::ostringstream text;
    text << std::ifstream(path_, std::ios::binary).rdbuf();
    return text.str();
  }
  void replace(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "sequences.bin";
};

TEST_F(SequenceFileTest, GivesBackWhatWasWritten) {
  for (const std::int64_t vocabulary : {10, 65536, 65537}) {
    const std::vector<Ids> sequences = {{1, 2, 3}, {}, {9}, {4, 5}, {static_cast<int>(vocabulary) - 1}, {0}};
    write(sequences, vocabulary, 2);
    const SequenceFile file(path_);
    EXPECT_EQ(file.format().vocabulary, vocabulary);
    EXPECT_EQ(file.format().source, 77u);
    ASSERT_EQ(file.records(), 3);
    for (std::int64_t i = 0; i < 6; ++i) {
      EXPECT_EQ(file.ids(i / 2, i % 2), sequences[static_cast<std::size_t>(i)]) << i;
      EXPECT_EQ(file.length(i / 2, i % 2),
                static_cast<std::int64_t>(sequences[static_cast<std::size_t>(i)].size()));
    }
  }
  write({}, 10);
  EXPECT_EQ(SequenceFile(path_).records(), 0);
}

TEST_F(SequenceFileTest, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(write({{10}}, 10), "token 10 is not in the vocabulary");
  EXPECT_ERROR(write({{-1}}, 10), "token -1");
  EXPECT_ERROR(write({{1}, {2}, {3}}, 10, 2), "not whole");
  EXPECT_ERROR(write({}, 0), "vocabulary: 0");
  EXPECT_ERROR(write({}, 10, 0), "fields: 0");
  EXPECT_FALSE(std::filesystem::exists(path_));
  write({{1}, {2}}, 10);
  const SequenceFile file(path_);
  EXPECT_ERROR(file.ids(2), "record 2");
  EXPECT_ERROR(file.ids(0, 1), "sequence 1 of record 0");
  EXPECT_ERROR(file.length(-1), "record -1");
}

TEST_F(SequenceFileTest, RefusesDamagedFiles) {
  write({{1, 2, 3}, {4}}, 10);
  const std::string good = bytes();
  for (std::size_t length = 0; length < good.size(); ++length) {
    replace(good.substr(0, length));
    EXPECT_ERROR(SequenceFile{path_}, "not a valid sequence file");
  }
  replace(good + '\0');
  EXPECT_ERROR(SequenceFile{path_}, "not a valid sequence file");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    replace(damaged);
    // Every bit counts: a changed id is outside the vocabulary of 10.
    const auto read_all = [&] {
      const SequenceFile file(path_);
      for (std::int64_t r = 0; r < file.records(); ++r) file.ids(r);
    };
    EXPECT_ANY_THROW(read_all()) << "byte " << i;
  }
  EXPECT_ERROR(SequenceFile{folder_.path() / "none"}, "none");
}

}  // namespace
}  // namespace attend::data
