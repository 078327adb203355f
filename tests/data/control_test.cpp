#include "attend/data/control.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/records.h"

namespace attend::data {
namespace {

using test::all_records;
using test::kSkipBad;
using test::TemporaryText;
using Records = std::vector<std::string>;

/// "Name=value|Name=value" of each record.
template <class Reader>
Records records_of(Reader&& reader) {
  Records records;
  for (const ControlRecord& record : all_records(reader)) {
    std::string& text = records.emplace_back();
    for (const ControlField& field : record.fields)
      text += (text.empty() ? "" : "|") + field.name + "=" + field.value;
  }
  return records;
}

TEST(Control, ReadsParagraphs) {
  const TemporaryText file(
      "\n\nPackage: one\nDescription:  first line \n second\n .\n  third\n# a comment\nUrl: http://a:b\n \t\n"
      "Package:two\r\nEmpty:\n\n\n\nPackage: three");
  ControlReader reader(file);
  EXPECT_EQ(reader.next()->fields.size(), 3u);
  EXPECT_TRUE(reader.place().ends_with("data, line 3")) << reader.place();
  EXPECT_EQ(reader.next()->fields.size(), 2u);
  EXPECT_TRUE(reader.place().ends_with("data, line 11")) << reader.place();
  EXPECT_EQ(records_of(ControlReader(file)),
            (Records{"Package=one|Description=first line\nsecond\n.\n third|Url=http://a:b",
                     "Package=two|Empty=", "Package=three"}));
  EXPECT_EQ(records_of(ControlReader(TemporaryText("").path())), Records{});
  EXPECT_EQ(records_of(ControlReader(TemporaryText("\n# only\n").path())), Records{});
}

TEST(Control, FindsAFieldByItsNameInAnyCase) {
  const ControlRecord record{{{"Package", "a"}, {"Section", "b"}}};
  ASSERT_NE(record.find("section"), nullptr);
  EXPECT_EQ(*record.find("section"), "b");
  EXPECT_NE(record.find("SECTION"), nullptr);
  EXPECT_EQ(record.find("Sectio"), nullptr);
  EXPECT_EQ(record.find("Sections"), nullptr);
}

struct Bad {
  std::string line;  // in the second of three paragraphs
  std::string message;
};

class BadControlParagraph : public ::testing::TestWithParam<Bad> {};

TEST_P(BadControlParagraph, IsNamedOrSkipped) {
  const TemporaryText file("A: 1\n\nA: 2\n" + GetParam().line + "\nB: 2\n\nA: 3\n");
  EXPECT_ERROR(all_records(ControlReader(file)), "data, line 4" + GetParam().message);
  ControlReader throwing(file);
  EXPECT_TRUE(throwing.next());
  EXPECT_THROW(throwing.next(), BadRecord);
  EXPECT_EQ(records_of(throwing), Records{"A=3"});
  ControlReader reader(file, kSkipBad);
  EXPECT_EQ(records_of(reader), (Records{"A=1", "A=3"}));
  EXPECT_EQ(reader.skipped().count, 1);
}

INSTANTIATE_TEST_SUITE_P(Control, BadControlParagraph,
                         ::testing::Values(Bad{"no colon", ": 'no colon'; expected 'Name: value'"},
                                           Bad{": value", ": '' is no name of a field"},
                                           Bad{"two words: value", ": 'two words' is no name of a field"},
                                           Bad{"a: 3", ": a second field 'a'; expected each once"},
                                           Bad{"C: caf\xe9", ", byte 7: byte 0xe9 is not UTF-8"},
                                           Bad{"C: " + test::ten_megabytes(),
                                               ": the line is longer than 1048576 bytes"}));

TEST(Control, AParagraphDoesNotStartWithABlank) {
  const TemporaryText file(" more\nA: 1\n\nB: 2\n");
  EXPECT_ERROR(all_records(ControlReader(file)), "data, line 1: the line starts with a blank");
  EXPECT_EQ(records_of(ControlReader(file, kSkipBad)), Records{"B=2"});
}

TEST(Control, HoldsNoMoreThanTheLimit) {
  std::string content = "A: 1\n\nB:\n";
  for (int i = 0; i < 100; ++i) content += " more\n";
  content += "\nC: 3\n";
  ControlReader reader(TemporaryText(content).path(),
                       {.bad_records = BadRecords::kSkip, .max_record_bytes = 40});
  EXPECT_EQ(records_of(reader), (Records{"A=1", "C=3"}));
  EXPECT_NE(reader.skipped().first.find("line 10: the paragraph is longer than 40 bytes"), std::string::npos)
      << reader.skipped().first;
}

}  // namespace
}  // namespace attend::data
