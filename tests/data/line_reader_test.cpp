#include "attend/data/line_reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <future>
#include <limits>
#include <thread>

#include "support/expect_error.h"
#include "support/records.h"

namespace attend::data {
namespace {

using test::all_records;
using test::kSkipBad;
using test::TemporaryText;
using Lines = std::vector<std::string>;

TEST(LineReader, GivesLinesWithoutTheirEnds) {
  const TemporaryText file("\xef\xbb\xbfone\r\n\ntwo \r three\n\xef\xbb\xbf é 日本\nlast");
  LineReader reader(file.path());
  EXPECT_EQ(reader.line(), 0);
  EXPECT_EQ(reader.next(), "one");
  EXPECT_EQ(reader.line(), 1);
  EXPECT_TRUE(reader.place().ends_with("/data, line 1"));
  EXPECT_EQ(all_records(reader), (Lines{"", "two \r three", "\xef\xbb\xbf é 日本", "last"}));
  EXPECT_EQ(reader.line(), 5);
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.line(), 5);
}

TEST(LineReader, KnowsTheEndOfTheFile) {
  EXPECT_EQ(all_records(LineReader(TemporaryText("").path())), Lines{});
  EXPECT_EQ(all_records(LineReader(TemporaryText("\n").path())), Lines{""});
  EXPECT_EQ(all_records(LineReader(TemporaryText("a\n\n").path())), (Lines{"a", ""}));
  EXPECT_EQ(all_records(LineReader(TemporaryText("a\r").path())), Lines{"a"});
}

TEST(LineReader, PutsLinesTogetherAcrossPieces) {
  Lines lines;
  std::string content;
  for (std::size_t i = 0; i < 400; ++i) {
    lines.push_back(std::string((i * 977) % 3001, static_cast<char>('a' + i % 26)));
    content += lines.back() + "\n";
  }
  lines.push_back(std::string(300'000, 'x'));
  content += lines.back();
  EXPECT_EQ(all_records(LineReader(TemporaryText(content).path())), lines);
}

TEST(LineReader, GivesTheLinesOfAPipeAsTheyCome) {
  test::TemporaryFolder folder;
  const auto pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::promise<void> first_line_read;
  std::thread writer([&] {
    std::ofstream out(pipe);
    out << "one\ntw" << std::flush;
    // Ends the test, not the process, if the reader waits for more than a line.
    EXPECT_EQ(first_line_read.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
    out << "o\n";
  });
  LineReader reader(pipe);
  EXPECT_EQ(reader.next(), "one");
  first_line_read.set_value();
  EXPECT_EQ(reader.next(), "two");
  EXPECT_EQ(reader.next(), std::nullopt);
  writer.join();
}

TEST(LineReader, NamesTheBadLineAndGoesOnBehindIt) {
  std::string content = "good\ncaf\xe9\n";
  content += std::string("a\0b\n", 4);
  content += test::ten_megabytes() + "\nend\n";
  const TemporaryText file(content);
  LineReader reader(file.path());
  EXPECT_EQ(reader.next(), "good");
  EXPECT_ERROR(reader.next(), "data, line 2, byte 4: byte 0xe9 is not UTF-8");
  EXPECT_ERROR(reader.next(), "data, line 3, byte 2: a NUL byte");
  EXPECT_ERROR(reader.next(), "data, line 4: the line is longer than 1048576 bytes");
  EXPECT_EQ(reader.next(), "end");
  EXPECT_EQ(reader.line(), 5);

  LineReader skipping(file.path(), kSkipBad);
  EXPECT_EQ(all_records(skipping), (Lines{"good", "end"}));
  EXPECT_EQ(skipping.skipped().count, 3);
  EXPECT_NE(skipping.skipped().first.find("line 2, byte 4"), std::string::npos);
}

TEST(LineReader, TakesALineAsLongAsTheLimit) {
  const ReadOptions options = {.max_record_bytes = 5};
  EXPECT_EQ(all_records(LineReader(TemporaryText("12345\r\n12345\n12345").path(), options)),
            Lines(3, "12345"));
  EXPECT_ERROR(all_records(LineReader(TemporaryText("123456\n").path(), options)),
               "line 1: the line is longer than 5 bytes");
  EXPECT_ERROR(all_records(LineReader(TemporaryText("1\n123456").path(), options)),
               "line 2: the line is longer than 5 bytes");
  const ReadOptions skip = {.bad_records = BadRecords::kSkip, .max_record_bytes = 5};
  LineReader reader(TemporaryText("123456\n1\n1234567\r\n" + std::string(200'000, 'x')).path(), skip);
  EXPECT_EQ(all_records(reader), Lines{"1"});
  EXPECT_EQ(reader.skipped().count, 3);
  // The file is read in pieces of 64 KiB: the CR is the last byte of one, the LF the first of the next.
  const std::string long_line(65'535, 'x');
  EXPECT_EQ(all_records(LineReader(TemporaryText(long_line + "\r\n").path(), {.max_record_bytes = 65'535})),
            Lines{long_line});
  const ReadOptions any = {.max_record_bytes = std::numeric_limits<std::size_t>::max()};
  EXPECT_EQ(all_records(LineReader(TemporaryText("12345\n").path(), any)), Lines{"12345"});
}

TEST(LineReader, NamesAFileThatCannotBeRead) {
  test::TemporaryFolder folder;
  EXPECT_ERROR(LineReader(folder / "none"), "none: No such file");
  EXPECT_ERROR(LineReader(folder.path()), "it is a folder");
}

TEST(LineReader, CountsWhatItsUserRejects) {
  const TemporaryText file("a\nb\nc\n");
  LineReader reader(file.path());
  reader.next();
  reader.next();
  EXPECT_ERROR(reader.reject("label 'b' is unknown"), "data, line 2: label 'b' is unknown");
  LineReader skipping(file.path(), kSkipBad);
  skipping.next();
  skipping.reject("label 'a' is unknown");
  EXPECT_EQ(skipping.next(), "b");
  EXPECT_EQ(skipping.skipped().count, 1);
  EXPECT_TRUE(skipping.skipped().first.ends_with("line 1: label 'a' is unknown"));
}

}  // namespace
}  // namespace attend::data
