#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "attend/data/delimited.h"
#include "attend/data/json_lines.h"
#include "attend/data/line_reader.h"
#include "attend/data/parallel.h"
#include "attend/data/question_answers.h"
#include "attend/data/tagged.h"
#include "support/sanitized.h"
#include "support/temporary_folder.h"

namespace attend::data {
namespace {

namespace fs = std::filesystem;

std::int64_t resident_bytes() {
  std::int64_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

/// How many records make about 20 MB; a tenth of them under sanitizers, which change what memory is taken.
constexpr int records(int count) {
  return test::kSanitized ? count / 10 : count;
}

/// Each reader on a file of about 20 MB: the memory of the process may grow by a tenth of that at most, which
/// is the buffer, one record, and what the allocator needs.
class Streaming : public ::testing::Test {
 protected:
  /// Writes `begin`, `record` this many times, and `end`.
  fs::path generate(const std::string& name, std::string_view record, int count, std::string_view begin = "",
                    std::string_view end = "") {
    std::ofstream out(folder_ / name, std::ios::binary);
    out << begin;
    for (int i = 0; i < count; ++i) out << record;
    out << end;
    return folder_ / name;
  }

  template <class Reader>
  void expect_bounded(Reader&& reader, std::int64_t expected) {
    std::int64_t count = 0;
    ::malloc_trim(0);  // what earlier tests freed would hide what this one takes
    const std::int64_t before = resident_bytes();
    std::int64_t most = before;
    while (reader.next())
      if (count++ % 8192 == 0) most = std::max(most, resident_bytes());
    most = std::max(most, resident_bytes());
    EXPECT_EQ(count, expected);
    if (!test::kSanitized) {
      EXPECT_LE(most - before, 2'000'000);
    }
  }

  test::TemporaryFolder folder_;
};

TEST_F(Streaming, AMillionLines) {
  const fs::path file = generate("lines", "one line of text é\n", records(1'000'000));
  EXPECT_GE(fs::file_size(file), static_cast<std::uintmax_t>(records(20'000'000)));
  expect_bounded(LineReader(file), records(1'000'000));
}

TEST_F(Streaming, AMillionPairs) {
  const fs::path source = generate("en", "on the\n", records(1'000'000)),
                 target = generate("de", "auf der\n", records(1'000'000));
  expect_bounded(ParallelReader(source, target), records(1'000'000));
}

TEST_F(Streaming, ATable) {
  const std::string text(90, 'x');
  expect_bounded(
      DelimitedReader(generate("csv", "\"" + text + "\n" + text + "\",label\n", records(100'000), "a,b\n"),
                      {}),
      records(100'000));
}

TEST_F(Streaming, AnUnclosedQuoteInATable) {
  const fs::path file =
      generate("csv", "x,a line that the open quote takes in\n", records(500'000), "a,b\n1,\"open\n");
  expect_bounded(
      DelimitedReader(file, {.read = {.bad_records = BadRecords::kSkip, .max_record_bytes = 100'000}}),
      records(500'000));
}

TEST_F(Streaming, JsonLines) {
  const std::string text(180, 'x');
  expect_bounded(
      JsonLinesReader(generate("jsonl", "{\"text\": \"" + text + "\", \"n\": 1}\n", records(100'000)),
                      {.texts = {"text"}}),
      records(100'000));
}

TEST_F(Streaming, TaggedSentences) {
  expect_bounded(
      TaggedReader(generate("conll", "The DT O\nquick JJ O\nfox NN O\njumps VBZ O\n\n", records(400'000))),
      records(400'000));
}

TEST_F(Streaming, ASquadDocumentOnOneLine) {
  const std::string context(500, 'x');
  const std::string paragraph =
      "{\"context\": \"" + context +
      "\", \"qas\": [{\"id\": \"1\", \"question\": \"q\", \"answers\": [{\"text\": \"xx\", "
      "\"answer_start\": 498}]}]},";
  const fs::path file = generate("squad", paragraph, records(30'000), "{\"data\": [{\"paragraphs\": [",
                                 "{\"context\": \"c\", \"qas\": []}], \"title\": \"t\"}]}");
  expect_bounded(SquadReader(file), records(30'000));
}

TEST_F(Streaming, OneEndlessLine) {
  const fs::path file = generate("long", std::string(1000, 'x'), records(20'000));
  const ReadOptions skip = {.bad_records = BadRecords::kSkip, .max_record_bytes = 100'000};
  expect_bounded(LineReader(file, skip), 0);
  expect_bounded(TaggedReader(file, {.read = skip}), 0);
  const fs::path sentence = generate("sentence", "a word in a sentence that never ends\n", records(500'000));
  expect_bounded(TaggedReader(sentence, {.read = skip}), 0);
}

}  // namespace
}  // namespace attend::data
