#include "attend/data/delimited.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/records.h"

namespace attend::data {
namespace {

using test::all_records;
using test::kSkipBad;
using test::TemporaryText;
using Row = std::vector<std::string>;
using Rows = std::vector<Row>;

DelimitedOptions tsv(std::vector<std::string> columns = {}) {
  return {.delimiter = '\t', .quotes = false, .header = false, .columns = std::move(columns)};
}

Rows csv(std::string_view content, DelimitedOptions options = {}) {
  return all_records(DelimitedReader(TemporaryText(content).path(), options));
}

TEST(Delimited, ReadsNamedColumnsInTheOrderAskedFor) {
  const TemporaryText file("id,text,label\r\n1,\"a, \"\"b\"\"\",yes\r\n2, c ,no");
  DelimitedReader reader(file, {.columns = {"label", "text"}});
  EXPECT_EQ(reader.columns(), (Row{"label", "text"}));
  EXPECT_EQ(reader.next(), (Row{"yes", "a, \"b\""}));
  EXPECT_TRUE(reader.place().ends_with("data, line 2"));
  EXPECT_EQ(reader.next(), (Row{"no", " c "}));
  EXPECT_EQ(reader.line(), 3);
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(csv("a,b\n1,2\n"), (Rows{{"1", "2"}}));
  EXPECT_EQ(csv("a,b\n1,2\n", {.columns = {"b", "b"}}), (Rows{{"2", "2"}}));
}

TEST(Delimited, ReadsNumberedColumnsWithoutHeader) {
  EXPECT_EQ(csv("a\t\"b\"\tc\nd\te\tf\n", tsv()), (Rows{{"a", "\"b\"", "c"}, {"d", "e", "f"}}));
  DelimitedReader reader(TemporaryText("a\tb\tc\n").path(), tsv({"3", "1"}));
  EXPECT_EQ(reader.next(), (Row{"c", "a"}));
  EXPECT_EQ(reader.columns(), (Row{"3", "1"}));
}

TEST(Delimited, KeepsDelimitersQuotesAndLineBreaksInQuotes) {
  EXPECT_EQ(csv("h\n\"a\r\nb\n\nc\"\n\"\"\"\"\n\",\"\n"), (Rows{{"a\nb\n\nc"}, {"\""}, {","}}));
  DelimitedReader reader(TemporaryText("a,b\n\"1\n2\",3\n4,5\n").path(), {});
  EXPECT_EQ(reader.next(), (Row{"1\n2", "3"}));
  EXPECT_EQ(reader.line(), 2);
  EXPECT_EQ(reader.next(), (Row{"4", "5"}));
  EXPECT_EQ(reader.line(), 4);
  EXPECT_EQ(csv("a,b\n\"\",\n", {.allow_empty = true}), (Rows{{"", ""}}));
}

TEST(Delimited, KnowsFormatsByTheNamesOfFiles) {
  EXPECT_EQ(delimited_options("x.csv").delimiter, ',');
  EXPECT_TRUE(delimited_options("x.csv").quotes);
  EXPECT_EQ(delimited_options("x.tab").delimiter, '\t');
  EXPECT_FALSE(delimited_options("x.tsv").quotes);
  EXPECT_ERROR(delimited_options("x.json"), "x.json: expected a file named *.csv, *.tsv or *.tab");
}

TEST(Delimited, NamesAMissingColumnAndThoseThereAre) {
  const std::string content = "text,label\na,b\n";
  EXPECT_ERROR(csv(content, {.columns = {"lable"}}),
               "line 1: no column 'lable'; did you mean 'label'? There are: 'text', 'label'");
  EXPECT_ERROR(csv(content, {.columns = {"lable"}, .read = kSkipBad}), "no column 'lable'");
  EXPECT_ERROR(csv("a,a\n1,2\n", {.columns = {"a"}}), "two columns are named 'a'");
  EXPECT_EQ(csv("a,a\n1,2\n"), (Rows{{"1", "2"}}));
  EXPECT_ERROR(csv("", {}), "is empty; expected a line with the names");
  EXPECT_ERROR(csv("a\tb\n", tsv({"1", "3"})),
               "line 1: no column '3'; without a header, columns have numbers, here 1 to 2");
  EXPECT_ERROR(csv("a\tb\n", tsv({"text"})), "no column 'text'; without a header");
  EXPECT_ERROR(csv("a\tb\n", tsv({"0"})), "no column '0'");
  EXPECT_ERROR(csv("a\tb\n", tsv({"1x"})), "no column '1x'");
  DelimitedReader twice(TemporaryText("a\tb\nc\td\n").path(), tsv({"1", "3"}));
  EXPECT_ERROR(twice.next(), "line 1: no column '3'");
  EXPECT_ERROR(twice.next(), "line 2: no column '3'");
  std::string wide = "c0";
  for (int i = 1; i < 50; ++i) wide += ",c" + std::to_string(i);
  EXPECT_ERROR(csv(wide + "\n", {.columns = {"text"}}), "'c19' and 30 more");
}

struct Bad {
  std::string content;  // has one good record, 1,2
  std::string message;
};

class BadTable : public ::testing::TestWithParam<Bad> {};

TEST_P(BadTable, IsNamedOrSkipped) {
  const TemporaryText file(GetParam().content);
  EXPECT_ERROR(all_records(DelimitedReader(file, {})), GetParam().message);
  DelimitedReader reader(file, {.read = kSkipBad});
  EXPECT_EQ(all_records(reader), (Rows{{"1", "2"}}));
  EXPECT_EQ(reader.skipped().count, 1);
  EXPECT_NE(reader.skipped().first.find(GetParam().message), std::string::npos) << reader.skipped().first;
}

INSTANTIATE_TEST_SUITE_P(
    Delimited, BadTable,
    ::testing::Values(
        Bad{"a,b\n1\n1,2\n", "line 2: 1 column; expected 2 columns as in line 1"},
        Bad{"a,b\n1,2\n1,2,3", "line 3: 3 columns; expected 2 columns as in line 1"},
        Bad{"a,b\n\n1,2\n", "line 2: the line is empty; expected 2 columns"},
        Bad{"a,b\n1, \n1,2\n", "line 2: column 'b' is empty"},
        Bad{"a,b\n1,x\"y\"\n1,2\n", "line 2, byte 4: a quote inside a field"},
        Bad{"a,b\n1,\"y\"z\n1,2\n", "line 2, byte 6: text after a quoted field; expected ','"},
        Bad{"a,b\n1,\"y\n1,2\n", "line 2, byte 3: a quote that is not closed before the end of the file"},
        Bad{"a,b\n1,\"caf\xe9\"\n1,2\n", "line 2, byte 7: byte 0xe9 is not UTF-8"},
        Bad{"a,b\n1," + test::ten_megabytes() + "\n1,2\n", "line 2: the line is longer than 1048576 bytes"}));

TEST(Delimited, GoesOnAtTheSecondLineOfARecordWhoseQuotesWentWrong) {
  // The quote of line 2 closes at that of line 4, behind which stands text.
  const TemporaryText file("a,b\n1,\"open\n3,4\n5,\"six\"\n\"7\n8\",9\n");
  DelimitedReader reader(file, {.read = kSkipBad});
  EXPECT_EQ(reader.next(), (Row{"3", "4"}));
  EXPECT_EQ(reader.line(), 3);
  EXPECT_EQ(all_records(reader), (Rows{{"5", "six"}, {"7\n8", "9"}}));
  EXPECT_EQ(reader.line(), 5);
  EXPECT_EQ(reader.skipped().count, 1);
  EXPECT_NE(reader.skipped().first.find("line 4, byte 4: text after a quoted field"), std::string::npos);

  // So it does when a line of a quoted field is bad.
  DelimitedReader bad_line(TemporaryText("a,b\n1,\"x\n5,6\nz\xff\nq\",1\n3,4\n").path(), {.read = kSkipBad});
  EXPECT_EQ(all_records(bad_line), (Rows{{"5", "6"}, {"3", "4"}}));
  EXPECT_EQ(bad_line.skipped().count, 2);
}

TEST(Delimited, HoldsNoMoreThanTheLimitForAQuoteThatIsNotClosed) {
  std::string content = "a,b\n1,\"open\n";
  for (int i = 0; i < 200; ++i) content += "3,4\n";
  const ReadOptions options = {.bad_records = BadRecords::kSkip, .max_record_bytes = 100};
  DelimitedReader reader(TemporaryText(content).path(), {.read = options});
  EXPECT_EQ(all_records(reader), Rows(200, {"3", "4"}));
  EXPECT_EQ(reader.skipped().count, 1);
  EXPECT_NE(reader.skipped().first.find("line 2, byte 3: a quote that is not closed within 100 bytes"),
            std::string::npos)
      << reader.skipped().first;
}

TEST(Delimited, ReportsABadHeaderWhateverTheOptionsSay) {
  EXPECT_ERROR(csv("a\xff,b\n1,2\n", {.read = kSkipBad}), "line 1, byte 2: byte 0xff");
}

}  // namespace
}  // namespace attend::data
