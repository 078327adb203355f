#include "attend/data/tagged.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/records.h"

namespace attend::data {
namespace {

using test::all_records;
using test::kSkipBad;
using test::TemporaryText;
using Words = std::vector<std::string>;

/// "word/tag word/tag" of each sentence.
template <class Reader>
std::vector<std::string> sentences_of(Reader&& reader) {
  std::vector<std::string> sentences;
  for (const TaggedSentence& sentence : all_records(reader)) {
    EXPECT_EQ(sentence.words.size(), sentence.tags.size());
    std::string& text = sentences.emplace_back();
    for (std::size_t i = 0; i < sentence.words.size(); ++i)
      text += (i > 0 ? " " : "") + sentence.words[i] + "/" + sentence.tags[i];
  }
  return sentences;
}

Words read(std::string_view content, const TaggedOptions& options = {}) {
  return sentences_of(TaggedReader(TemporaryText(content).path(), options));
}

TEST(Tagged, ReadsColumnsSeparatedByWhiteSpace) {
  const TemporaryText file(
      "-DOCSTART- -X- O O\n\nEU NNP  I-NP B-ORG\nrejects\tVBZ I-VP O\r\n# # I-NP O\n \n\n\nPeter NNP I-NP "
      "B-PER");
  TaggedReader reader(file);
  EXPECT_TRUE(reader.next());
  EXPECT_TRUE(reader.place().ends_with("data, line 3"));
  EXPECT_EQ(sentences_of(reader), Words{"Peter/B-PER"});
  EXPECT_TRUE(reader.place().ends_with("data, line 9"));
  EXPECT_EQ(sentences_of(TaggedReader(file)), (Words{"EU/B-ORG rejects/O #/O", "Peter/B-PER"}));
  EXPECT_EQ(sentences_of(TaggedReader(file, {.tag_column = 2})),
            (Words{"EU/NNP rejects/VBZ #/#", "Peter/NNP"}));
  EXPECT_EQ(sentences_of(TaggedReader(file, {.word_column = -4, .tag_column = -2})),
            (Words{"EU/I-NP rejects/I-VP #/I-NP", "Peter/I-NP"}));
  EXPECT_EQ(read(""), Words{});
  EXPECT_EQ(read("\n\n"), Words{});
}

TEST(Tagged, ReadsConllu) {
  const std::string rest = "\t_\t0\troot\t_\t_\n";
  const TemporaryText file("# text = don't 5 000\n1-2\tdon't\t_\t_\t_" + rest + "1\tdo\tdo\tAUX\tVB" + rest +
                           "2\tn't\tnot\tPART\tRB" + rest + "# in between\n2.1\tx\tx\tVERB\tVB" + rest +
                           "3\t5 000\t5000\tNUM\tCD" + rest + "\n# only\n# comments\n\n1\t#\t#\tSYM\tNN" +
                           rest + "\n");
  EXPECT_EQ(sentences_of(TaggedReader(file, conllu_options())),
            (Words{"do/AUX n't/PART 5 000/NUM", "#/SYM"}));
  EXPECT_EQ(sentences_of(TaggedReader(file, conllu_options(5))), (Words{"do/VB n't/RB 5 000/CD", "#/NN"}));
}

TEST(Tagged, ReadsNumberedIob2) {
  const std::string content =
      "# sent_id = a\n# text = tampa "
      "bay\n1\ttampa\tB-LOC\t-\tann\n2\tbay\tI-LOC\t-\tann\n\n1\tso\tO\t-\tann\n\n";
  EXPECT_EQ(read(content, numbered_iob2_options()), (Words{"tampa/B-LOC bay/I-LOC", "so/O"}));
}

TEST(Tagged, NamesAColumnThatTheFileLacks) {
  EXPECT_ERROR(read("a b\n", {.tag_column = 3}),
               "line 1: no column 3; there are 1 to 2, separated by white space");
  EXPECT_ERROR(read("a b\n", {.tag_column = -3, .read = kSkipBad}), "line 1: no column -3");
  EXPECT_ERROR(read("a b\n", {.tag_column = 0}), "no column 0");
  EXPECT_ERROR(read("1 a B\n", numbered_iob2_options()), "no column 2; there are 1 to 1, separated by tabs");
}

struct Bad {
  std::string lines;  // in the second of three sentences
  std::string message;
};

class BadSentence : public ::testing::TestWithParam<Bad> {};

TEST_P(BadSentence, IsNamedOrSkipped) {
  const TemporaryText file("1\ta\tX\n\n1\tb\tX\n" + GetParam().lines + "\n3\tmore\tX\n\n1\tc\tX\n");
  TaggedOptions options = {.word_column = 2, .tabs = true, .numbered = true};
  EXPECT_ERROR(all_records(TaggedReader(file, options)), "data, line 4" + GetParam().message);
  TaggedReader throwing(file, options);
  EXPECT_TRUE(throwing.next());
  EXPECT_THROW(throwing.next(), BadRecord);
  EXPECT_EQ(sentences_of(throwing), Words{"c/X"});
  options.read = kSkipBad;
  TaggedReader reader(file, options);
  EXPECT_EQ(sentences_of(reader), (Words{"a/X", "c/X"}));
  EXPECT_EQ(reader.skipped().count, 1);
  EXPECT_NE(reader.skipped().first.find("data, line 4" + GetParam().message), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Tagged, BadSentence,
    ::testing::Values(Bad{"2\tword", ": 2 columns; expected 3 as in line 1"},
                      Bad{"2\tword\tX\tX", ": 4 columns; expected 3 as in line 1"},
                      Bad{"2 word X", ": 1 column; expected 3 as in line 1"},
                      Bad{"2\t\tX", ": column 2 is empty; expected a word"},
                      Bad{"2\tword\t ", ": column 3 is empty; expected a tag"},
                      Bad{"3\tword\tX", ": the first column is '3'; expected 2, the number of the word"},
                      Bad{"1-x\tword\tX", ": the first column is '1-x'; expected 2"},
                      Bad{"-2\tword\tX", ": the first column is '-2'; expected 2"},
                      Bad{"2\tcaf\xe9\tX", ", byte 6: byte 0xe9 is not UTF-8"},
                      Bad{"\xff\n\xff\n2", ", byte 1: byte 0xff is not UTF-8"},
                      Bad{"2\t" + test::ten_megabytes() + "\tX", ": the line is longer than 1048576 bytes"}));

TEST(Tagged, HoldsNoMoreThanTheLimit) {
  std::string content = "a X\n\n";
  for (int i = 0; i < 100; ++i) content += "b X\n";
  content += "\nc X\n";
  const ReadOptions options = {.bad_records = BadRecords::kSkip, .max_record_bytes = 40};
  TaggedReader reader(TemporaryText(content).path(), {.read = options});
  EXPECT_EQ(sentences_of(reader), (Words{"a/X", "c/X"}));
  EXPECT_EQ(reader.skipped().count, 1);
  EXPECT_NE(reader.skipped().first.find("line 13: the sentence is longer than 40 bytes"), std::string::npos)
      << reader.skipped().first;
}

}  // namespace
}  // namespace attend::data
