#include "attend/data/question_answers.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/records.h"

namespace attend::data {
namespace {

using test::all_records;
using test::kSkipBad;
using test::TemporaryText;

std::string document(const std::string& paragraphs) {
  return R"({"version": "2.0", "data": [{"title": "T", "paragraphs": [)" + paragraphs + "]}]}";
}

std::string paragraph(const std::string& questions,
                      const std::string& context = "In 1871 é\U0001F600 Paris fell.") {
  return R"({"context": ")" + context + R"(", "qas": [)" + questions + "]}";
}

std::string question(const std::string& rest, const std::string& id = "q") {
  return R"({"id": ")" + id + R"(", "question": "Where?", )" + rest + "}";
}

const std::string kGood = question(R"("answers": [{"text": "Paris", "answer_start": 11}])", "good");

std::vector<std::string> ids_of(SquadReader& reader) {
  std::vector<std::string> ids;
  for (const QuestionAnswers& record : all_records(reader)) ids.push_back(record.id);
  return ids;
}
using Ids = std::vector<std::string>;

TEST(Squad, ReadsVersion1) {
  const TemporaryText file(document(paragraph(question(
      R"("answers": [{"answer_start": 11, "text": "Paris"}, {"answer_start": 8, "text": "é😀 Paris"}])"))));
  SquadReader reader(file);
  const auto record = reader.next();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->id, "q");
  EXPECT_EQ(record->question, "Where?");
  EXPECT_EQ(record->context, "In 1871 é😀 Paris fell.");
  ASSERT_EQ(record->answers.size(), 2u);
  EXPECT_EQ(record->answers[0].text, "Paris");
  EXPECT_EQ(record->answers[0].start, 15u);
  EXPECT_EQ(record->answers[1].start, 8u);
  for (const AnswerSpan& answer : record->answers)
    EXPECT_EQ(record->context.substr(answer.start, answer.text.size()), answer.text);
  EXPECT_TRUE(reader.place().ends_with("data, line 1, byte 59")) << reader.place();
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.next());
}

TEST(Squad, ReadsVersion2) {
  const TemporaryText file(document(paragraph(
      question(
          R"("is_impossible": true, "answers": [], "plausible_answers": [{"text": "x", "answer_start": 0}])",
          "a") +
      "," + question(R"("is_impossible": false, "answers": [{"text": "In", "answer_start": 0}])", "b") + "," +
      question(R"("is_impossible": true)", "c"))));
  SquadReader reader(file);
  const auto records = all_records(reader);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_TRUE(records[0].answers.empty());
  EXPECT_EQ(records[1].answers.size(), 1u);
  EXPECT_TRUE(records[2].answers.empty());
}

TEST(Squad, GoesThroughAllArticlesAndParagraphs) {
  const std::string article = "{\"paragraphs\": [" + paragraph(kGood) + ",\n" + paragraph("") + " , " +
                              paragraph(kGood + "," + kGood) + "], \"title\": \"]}\\\"{\"}";
  const TemporaryText file(
      "\xef\xbb\xbf{\"about\": {\"data\": [{}, \"[\"], \"n\": -1.5e3},\r\n \"data\" : [ " + article +
      ", {}, {\"paragraphs\": []}, " + article + "], \"version\": \"1.1\"} \n");
  SquadReader reader(file);
  EXPECT_EQ(ids_of(reader), Ids(6, "good"));
  EXPECT_TRUE(reader.place().ends_with("data, line 4, byte 56")) << reader.place();
}

TEST(Squad, GivesEmptyListsNoRecords) {
  for (const char* content : {R"({"data": []})", R"({"data": [{"paragraphs": []}]})", R"({"data": [{}]})"}) {
    const TemporaryText file(content);
    EXPECT_FALSE(SquadReader(file).next());
  }
}

struct Bad {
  std::string question;
  std::string message;
};

class BadQuestion : public ::testing::TestWithParam<Bad> {};

TEST_P(BadQuestion, IsNamedOrSkipped) {
  const TemporaryText file(document(paragraph(kGood + "," + GetParam().question + "," + kGood)));
  SquadReader throwing(file);
  EXPECT_TRUE(throwing.next());
  EXPECT_ERROR(throwing.next(), "data, line 1, byte 59");
  EXPECT_TRUE(throwing.next());
  SquadReader reader(file, {.read = kSkipBad});
  EXPECT_EQ(ids_of(reader), Ids(2, "good"));
  EXPECT_EQ(reader.skipped().count, 1);
  EXPECT_NE(reader.skipped().first.find(GetParam().message), std::string::npos) << reader.skipped().first;
}

std::string answer(const std::string& json) {
  return question("\"answers\": [" + json + "]");
}

INSTANTIATE_TEST_SUITE_P(
    Squad, BadQuestion,
    ::testing::Values(
        Bad{answer(R"({"text": "Paris", "answer_start": 12})"),
            "question 'q': character 12 of the context is where 'aris ' starts; expected the answer 'Paris'"},
        Bad{answer(R"({"text": "fell.", "answer_start": 21})"),
            "character 21 of the context is where '.' starts"},
        Bad{answer(R"({"text": "x", "answer_start": 22})"), "character 22 of the context is where '' starts"},
        Bad{answer(R"({"text": "x", "answer_start": 23})"), "'answer_start' is 23; expected 0 to 22"},
        Bad{answer(R"({"text": "x", "answer_start": -1})"), "'answer_start' is -1; expected 0 to 22"},
        Bad{answer(R"({"text": "x", "answer_start": 18446744073709551615})"),
            "'answer_start' is 18446744073709551615"},
        Bad{answer(R"({"text": "x", "answer_start": "3"})"),
            "'answer_start' is a string; expected a whole number"},
        Bad{answer(R"({"text": "x"})"), "no field 'answer_start'"},
        Bad{answer(R"({"text": "", "answer_start": 0})"), "field 'text' is empty"},
        Bad{answer(R"({"answer": "Paris", "answer_start": 11})"), "no field 'text'"},
        Bad{answer("7"), "found a number; expected a JSON object with 'text'"},
        Bad{answer(""), "neither answers nor the mark 'is_impossible'"},
        Bad{question(R"("answers": {})"), "field 'answers' is an object; expected a list"},
        Bad{question(R"("is_impossible": false)"), "no field 'answers'"},
        Bad{question(R"("is_impossible": 1, "answers": [])"),
            "field 'is_impossible' is a number; expected true or false"},
        Bad{question(R"("is_impossible": true, "answers": [{"text": "Paris", "answer_start": 11}])"),
            "answers although it is marked 'is_impossible'"},
        Bad{R"({"id": "q", "answers": []})", "question 'q': no field 'question'"},
        Bad{R"({"id": [], "question": "x"})", "field 'id' is a list"},
        Bad{R"({"question": " "})", "field 'question' is empty"}, Bad{"null", "found null"}));

class BadParagraph : public ::testing::TestWithParam<Bad> {};

TEST_P(BadParagraph, IsNamedOrSkipped) {
  const TemporaryText file(document(paragraph(kGood) + ",\n" + GetParam().question + "," + paragraph(kGood)));
  SquadReader throwing(file);
  EXPECT_TRUE(throwing.next());
  EXPECT_ERROR(throwing.next(), GetParam().message);
  EXPECT_TRUE(throwing.next());
  SquadReader reader(file, {.read = kSkipBad});
  EXPECT_EQ(ids_of(reader), Ids(2, "good"));
  EXPECT_EQ(reader.skipped().count, 1);
  EXPECT_NE(reader.skipped().first.find(GetParam().message), std::string::npos) << reader.skipped().first;
}

INSTANTIATE_TEST_SUITE_P(
    Squad, BadParagraph,
    ::testing::Values(Bad{"{}", "data, line 2, byte 1: no field 'context'; there is none"},
                      Bad{"7", "data, line 2, byte 1: found a number; expected a JSON object with 'context'"},
                      Bad{R"({"context": "x"})", "line 2, byte 1: no field 'qas'; there are: 'context'"},
                      Bad{R"({"context": "x", "qas": {}})", "field 'qas' is an object; expected a list"},
                      Bad{paragraph(kGood, "  "), "field 'context' is empty"},
                      Bad{R"({"context": x})", "data, line 2, byte 13: invalid JSON: found 'x}'"},
                      Bad{" {\"context\":\n \"caf\xe9\"}", "data, line 3, byte 7: invalid JSON"},
                      Bad{"{\"context\": \"a\\u0000\", \"qas\": []}", "field 'context' has a NUL"},
                      Bad{paragraph("[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]"),
                          "the JSON is nested too deeply; expected at most 16 levels"},
                      Bad{paragraph("", test::ten_megabytes()),
                          "line 2, byte 1: a paragraph that is longer than 1048576 bytes"}));

class BrokenDocument : public ::testing::TestWithParam<Bad> {};

TEST_P(BrokenDocument, IsAnErrorWhateverTheOptionsSay) {
  const TemporaryText file(GetParam().question);
  for (const BadRecords policy : {BadRecords::kThrow, BadRecords::kSkip}) {
    const SquadOptions options = {.read = {.bad_records = policy}};
    EXPECT_ERROR(all_records(SquadReader(file, options)), GetParam().message);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Squad, BrokenDocument,
    ::testing::Values(Bad{"", "data, line 1, byte 1: found the end of the file; expected '{'"},
                      Bad{"[]", "line 1, byte 1: found '['; expected '{'"},
                      Bad{"\xef\xbb\xbf[]", "line 1, byte 1: found '['; expected '{'"},
                      Bad{"\xef\xbb{", "byte 3: found '{'; expected text in UTF-8"},
                      Bad{"{\"data\"", "byte 8: found the end of the file; expected ':'"},
                      Bad{"{data: []}", "byte 2: found 'd'; expected the name of a field in quotes"},
                      Bad{"{\"data\": {}}", "byte 10: found '{'; expected '['"},
                      Bad{"{\"data\": [7]}", "byte 11: found '7'; expected '{'"},
                      Bad{"{\"data\": []", "found the end of the file; expected ',' or '}'"},
                      Bad{"{\"data\": []} x", "line 1, byte 14: text after the JSON document"},
                      Bad{"{\"data\": [{}\n{}]}", "line 2, byte 1: found '{'; expected ',' or ']'"},
                      Bad{"{\"data\": [{},]}", "found ']'; expected '{'"},
                      Bad{"{\"a\": }", "found '}'; expected a value"},
                      Bad{"{\"a\": [}", "byte 8: found '}'; expected ']'"},
                      Bad{"{\"a\": \"x", "found the end of the file; expected the end of a string"},
                      Bad{"{\"a\": [1", "found the end of the file; expected the end of a value"},
                      Bad{"{\"a\": " + std::string(1000, '[') + "}",
                          "expected at most 64 levels of brackets"},
                      Bad{R"({"version": "1.1"})", "data: no field 'data'; expected a SQuAD file"},
                      Bad{document(paragraph(kGood)).substr(0, 100), "found the end of the file"},
                      Bad{document(paragraph(kGood) + "\x01"), "found '\\x01'; expected ',' or ']'"}));

TEST(QuestionTable, FindsAnswersInTheirContexts) {
  const TemporaryText file("Where?\té In Paris, Paris\tParis\nWhy?\tIn Paris\t\n");
  QuestionTableReader reader(file);
  const auto records = all_records(reader);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].id, "1");
  EXPECT_EQ(records[0].question, "Where?");
  EXPECT_EQ(records[0].context, "é In Paris, Paris");
  ASSERT_EQ(records[0].answers.size(), 1u);
  EXPECT_EQ(records[0].answers[0].text, "Paris");
  EXPECT_EQ(records[0].answers[0].start, 6u);
  EXPECT_EQ(records[1].id, "2");
  EXPECT_TRUE(records[1].answers.empty());
  const TemporaryText named("answer,context,question\na,\"b, a\",c\n");
  QuestionTableReader csv(named, {.columns = {"question", "context", "answer"}});
  const auto record = csv.next();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->id, "2");
  EXPECT_EQ(record->context, "b, a");
  EXPECT_EQ(record->answers[0].start, 3u);
}

TEST(QuestionTable, NamesOrSkipsBadQuestions) {
  const TemporaryText file("q\ta b\ta\nq\ta b\tc\n\tb\tb\nq\t \tb\n\nq\tb\nq\t\xff\t\nq\tb\tb\n");
  QuestionTableReader reader(file);
  EXPECT_TRUE(reader.next());
  EXPECT_ERROR(reader.next(), "line 2: the answer 'c' does not stand in the context; expected a part of it");
  EXPECT_ERROR(reader.next(), "line 3: the question is empty; expected text");
  EXPECT_ERROR(reader.next(), "line 4: the context is empty; expected text");
  EXPECT_ERROR(reader.next(), "line 5: the line is empty; expected 3 columns");
  EXPECT_ERROR(reader.next(), "line 6: 2 columns; expected 3 columns");
  EXPECT_ERROR(reader.next(), "line 7, byte 3: byte 0xff");
  EXPECT_EQ(all_records(reader).size(), 1u);
  QuestionTableReader skipping(file, {.delimiter = '\t', .quotes = false, .header = false, .read = kSkipBad});
  EXPECT_EQ(all_records(skipping).size(), 2u);
  EXPECT_EQ(skipping.skipped().count, 6);
}

TEST(QuestionTable, NeedsThreeColumns) {
  const TemporaryText file("a\tb\n");
  EXPECT_ERROR(QuestionTableReader(file).next(),
               "line 1: 2 columns; expected 3 or 4 (question, context, answer, start)");
  EXPECT_ERROR(QuestionTableReader(file, {.columns = {"a", "b"}}),
               "2 columns named for questions; expected 3 or 4");
}

TEST(QuestionTable, TakesWhereTheAnswerStarts) {
  const TemporaryText file(
      "q\té a b a\ta\t6\nq\ta b\t\t\nq\ta b\ta\t\nq\ta b\ta\t1\nq\ta b\ta\t9\nq\ta b\ta\tx\nq\ta b\t\t1\n");
  QuestionTableReader reader(file);
  EXPECT_EQ(reader.next()->answers[0].start, 7u);  // in bytes
  EXPECT_TRUE(reader.next()->answers.empty());
  EXPECT_EQ(reader.next()->answers[0].start, 0u);
  EXPECT_ERROR(reader.next(),
               "line 4: character 1 of the context is where ' ' starts; expected the answer 'a'");
  EXPECT_ERROR(reader.next(), "line 5: the answer's start is '9'; expected 0 to 3");
  EXPECT_ERROR(reader.next(), "line 6: the answer's start is 'x'; expected 0 to 3");
  EXPECT_ERROR(reader.next(), "line 7: a start without an answer; expected both or neither");
  EXPECT_FALSE(reader.next());
}

TEST(QuestionAnswers, NamesAFileThatIsMissing) {
  test::TemporaryFolder folder;
  EXPECT_ERROR(SquadReader(folder / "none"), "none: No such file");
  EXPECT_ERROR(QuestionTableReader(folder / "none"), "none: No such file");
}

}  // namespace
}  // namespace attend::data
