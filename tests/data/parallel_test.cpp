#include "attend/data/parallel.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/records.h"

namespace attend::data {
namespace {

using test::all_records;
using test::kSkipBad;
using test::TemporaryText;
using Pairs = std::vector<std::pair<std::string, std::string>>;

template <class Reader>
Pairs pairs_of(Reader&& reader) {
  Pairs pairs;
  for (TextPair& pair : all_records(reader))
    pairs.emplace_back(std::move(pair.source), std::move(pair.target));
  return pairs;
}

TEST(Parallel, PairsTheLinesOfTwoFiles) {
  const TemporaryText source("one\r\ntwo\n", "train.en"), target("eins\nzwei", "train.de");
  ParallelReader reader(source, target);
  EXPECT_TRUE(reader.next());
  EXPECT_TRUE(reader.place().ends_with("train.en, line 1"));
  EXPECT_EQ(pairs_of(reader), (Pairs{{"two", "zwei"}}));
  EXPECT_EQ(pairs_of(ParallelReader(TemporaryText("").path(), TemporaryText("").path())), Pairs{});
}

TEST(Parallel, NamesBothNumbersOfLines) {
  const TemporaryText longer("1\n2\n\n4\n\xff\n", "long"), shorter("1\n2\n", "short");
  for (const bool source_is_longer : {true, false}) {
    const TemporaryText& source = source_is_longer ? longer : shorter;
    const TemporaryText& target = source_is_longer ? shorter : longer;
    ParallelReader reader(source, target);
    EXPECT_TRUE(reader.next());
    EXPECT_TRUE(reader.next());
    const std::string message = test::error_of([&] { reader.next(); });
    EXPECT_NE(message.find("short ends after line 2, but "), std::string::npos) << message;
    EXPECT_NE(message.find("long has 5 lines"), std::string::npos) << message;
    EXPECT_EQ(reader.next(), std::nullopt);
    ParallelReader skipping(source, target, kSkipBad);
    EXPECT_EQ(pairs_of(skipping), (Pairs{{"1", "1"}, {"2", "2"}}));
    EXPECT_EQ(skipping.skipped().count, 3);
    EXPECT_EQ(skipping.skipped().first, message);
  }
  EXPECT_ERROR(pairs_of(ParallelReader(TemporaryText("").path(), longer)), "data ends after line 0");
}

TEST(Parallel, StaysInStepBehindBadLines) {
  const TemporaryText source("1\n \n3\n4\xff\n5\n6\n7\n", "source"),
      target("1\n2\n\n4\n5\n" + test::ten_megabytes() + "\n7\n", "target");
  ParallelReader reader(source, target);
  EXPECT_TRUE(reader.next());
  EXPECT_ERROR(reader.next(), "source, line 2: the line is empty; expected text");
  EXPECT_ERROR(reader.next(), "target, line 3: the line is empty; expected text");
  EXPECT_ERROR(reader.next(), "source, line 4, byte 2: byte 0xff is not UTF-8");
  EXPECT_TRUE(reader.next());
  EXPECT_ERROR(reader.next(), "target, line 6: the line is longer than 1048576 bytes");
  EXPECT_EQ(pairs_of(reader), (Pairs{{"7", "7"}}));
  ParallelReader skipping(source, target, kSkipBad);
  EXPECT_EQ(pairs_of(skipping), (Pairs{{"1", "1"}, {"5", "5"}, {"7", "7"}}));
  EXPECT_EQ(skipping.skipped().count, 4);
}

TEST(Parallel, NamesAFileThatIsMissing) {
  const TemporaryText file("1\n");
  test::TemporaryFolder folder;
  EXPECT_ERROR(ParallelReader(file, folder / "none"), "none: No such file");
  EXPECT_ERROR(ParallelReader(folder / "none", file), "none: No such file");
}

TEST(PairTable, ReadsTwoColumns) {
  EXPECT_EQ(pairs_of(PairTableReader(TemporaryText("a\tb\nc\t\"d\n").path())),
            (Pairs{{"a", "b"}, {"c", "\"d"}}));
  const TemporaryText named("n,de,en\n1,eins,one\n");
  EXPECT_EQ(pairs_of(PairTableReader(named, {.columns = {"en", "de"}})), (Pairs{{"one", "eins"}}));
}

TEST(PairTable, NeedsTwoColumns) {
  const TemporaryText three("a\tb\tc\n");
  EXPECT_ERROR(pairs_of(PairTableReader(three)),
               "line 1 has 3 columns; expected 2, or the two to read named");
  EXPECT_ERROR(PairTableReader(three, {.columns = {"a"}}), "1 column named for pairs; expected 2");
  EXPECT_ERROR(PairTableReader(three, {.delimiter = '\t', .columns = {"a", "d"}}), "no column 'd'");
}

TEST(PairTable, NamesOrSkipsBadPairs) {
  const TemporaryText file("a\tb\nc\t\nd\n\ne\xff\tf\ng\th\n");
  PairTableReader reader(file);
  EXPECT_TRUE(reader.next());
  EXPECT_ERROR(reader.next(), "line 2: column '2' is empty");
  EXPECT_ERROR(reader.next(), "line 3: 1 column; expected 2 columns as in line 1");
  EXPECT_ERROR(reader.next(), "line 4: the line is empty");
  EXPECT_ERROR(reader.next(), "line 5, byte 2: byte 0xff is not UTF-8");
  EXPECT_EQ(pairs_of(reader), (Pairs{{"g", "h"}}));
  DelimitedOptions options = {.delimiter = '\t', .quotes = false, .header = false, .read = kSkipBad};
  PairTableReader skipping(file, options);
  EXPECT_EQ(pairs_of(skipping), (Pairs{{"a", "b"}, {"g", "h"}}));
  EXPECT_EQ(skipping.skipped().count, 4);
  EXPECT_NE(skipping.skipped().first.find("line 2: column '2' is empty"), std::string::npos);
}

}  // namespace
}  // namespace attend::data
