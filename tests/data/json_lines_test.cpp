#include "attend/data/json_lines.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/records.h"

namespace attend::data {
namespace {

using test::all_records;
using test::kSkipBad;
using test::TemporaryText;
using Texts = std::vector<std::string>;

TEST(JsonLines, ReadsTextsAndLists) {
  const TemporaryText file(
      "{\"text\": \"a \\\"b\\\" \\u00e9\\n\", \"stars\": 5, \"topics\": [\"x\", 2], \"rest\": {\"deep\": "
      "[[]]}}\r\n"
      "{\"topics\": \"y\", \"stars\": true, \"text\": \"c\"}");
  JsonLinesReader reader(file, {.texts = {"text", "stars"}, .lists = {"topics"}});
  const auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->texts, (Texts{"a \"b\" é\n", "5"}));
  EXPECT_EQ(first->lists, (std::vector<Texts>{{"x", "2"}}));
  EXPECT_TRUE(reader.place().ends_with("data, line 1"));
  const auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->texts, (Texts{"c", "true"}));
  EXPECT_EQ(second->lists, (std::vector<Texts>{{"y"}}));
  EXPECT_FALSE(reader.next());
}

TEST(JsonLines, AllowsEmptyTextsWhenAskedTo) {
  JsonLinesReader reader(TemporaryText("{\"text\": \"\", \"topics\": []}\n").path(),
                         {.texts = {"text"}, .lists = {"topics"}, .allow_empty = true});
  const auto record = reader.next();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->texts, Texts{""});
  EXPECT_EQ(record->lists, std::vector<Texts>{{}});
}

TEST(JsonLines, NeedsAField) {
  EXPECT_ERROR(JsonLinesReader(TemporaryText("{}").path(), {}), "data: no field of its objects is asked for");
}

struct Bad {
  std::string line;
  std::string message;
};

class BadJsonLine : public ::testing::TestWithParam<Bad> {};

TEST_P(BadJsonLine, IsNamedOrSkipped) {
  const std::string good = "{\"text\": \"t\", \"topics\": [\"u\"]}\n";
  const TemporaryText file(good + GetParam().line + "\n" + good);
  JsonLinesOptions options = {.texts = {"text"}, .lists = {"topics"}};
  EXPECT_ERROR(all_records(JsonLinesReader(file, options)), "data, line 2" + GetParam().message);
  options.read = kSkipBad;
  JsonLinesReader reader(file, options);
  EXPECT_EQ(all_records(reader).size(), 2u);
  EXPECT_EQ(reader.skipped().count, 1);
  EXPECT_NE(reader.skipped().first.find("data, line 2" + GetParam().message), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    JsonLines, BadJsonLine,
    ::testing::Values(
        Bad{"", ": the line is empty; expected a JSON object"},
        Bad{"{\"text\": x}", ", byte 10: invalid JSON: found 'x}'"},
        Bad{"{\"text\": \"x\"", ", byte 13: the JSON ends too early"},
        Bad{"{\"text\": \"x\"} {}", ", byte 15: invalid JSON: found '{}'"},
        Bad{"{\"text\": \"\\ud800\"}", ", byte 17: invalid JSON"},
        Bad{"{\"text\": 1e999}", ": a number in the JSON is too large"},
        Bad{"[\"text\"]", ": found a list; expected a JSON object"},
        Bad{"7", ": found a number; expected a JSON object"},
        Bad{"{\"test\": \"x\", \"topics\": \"x\"}",
            ": no field 'text'; did you mean 'test'? There are: 'test', 'topics'"},
        Bad{"{}", ": no field 'text'; there is none"},
        Bad{"{\"text\": null, \"topics\": \"x\"}", ": field 'text' is null; expected a string"},
        Bad{"{\"text\": 0.5, \"topics\": \"x\"}", ": field 'text' is a number; expected a string"},
        Bad{"{\"text\": [], \"topics\": \"x\"}", ": field 'text' is a list; expected a string"},
        Bad{"{\"text\": \" \", \"topics\": \"x\"}", ": field 'text' is empty; expected text"},
        Bad{"{\"text\": \"a\\u0000b\", \"topics\": \"x\"}", ": field 'text' has a NUL character"},
        Bad{"{\"text\": \"x\", \"topics\": []}", ": field 'topics' is an empty list"},
        Bad{"{\"text\": \"x\", \"topics\": [\"\"]}", ": field 'topics' is empty"},
        Bad{"{\"text\": \"x\", \"topics\": [[\"x\"]]}", ": field 'topics' is a list; expected a string"},
        Bad{"{\"text\": \"caf\xe9\"}", ", byte 14: byte 0xe9 is not UTF-8"},
        Bad{"{\"a\": " + std::string(100'000, '[') + "}",
            ": the JSON is nested too deeply; expected at most 32 levels"},
        Bad{"{\"text\": \"" + test::ten_megabytes() + "\"}", ": the line is longer than 1048576 bytes"}));

TEST(JsonLines, AllowsAsManyLevelsAsItSays) {
  const std::string two = "{\"text\": \"t\", \"a\": [1]}\n", three = "{\"text\": \"t\", \"a\": [[1]]}\n";
  const JsonLinesOptions options = {.texts = {"text"}, .max_depth = 2};
  EXPECT_EQ(all_records(JsonLinesReader(TemporaryText(two).path(), options)).size(), 1u);
  EXPECT_ERROR(all_records(JsonLinesReader(TemporaryText(three).path(), options)), "at most 2 levels");
}

}  // namespace
}  // namespace attend::data
