#include "task/classify/data.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/records.h"

namespace attend::task {
namespace {

using test::TemporaryText;
using Numbers = std::vector<std::int64_t>;

const char* const kMoods = "text,topic,mood\nabc,b,good\nde,a,bad\nf,b,bad\nghij,c,good\n";

TEST(RawTexts, NumbersLabelsByTheirClasses) {
  const TemporaryText file(kMoods, "a.csv");
  RawTexts raw(file, {.labels = {"topic", "mood"}});
  EXPECT_EQ(raw.size(), 4);
  EXPECT_EQ(raw[0], "abc");
  EXPECT_EQ(raw[3], "ghij");
  EXPECT_EQ(raw.joined(2), "abc\nde");
  EXPECT_EQ(raw.joined(4), "abc\nde\nf\nghij");
  const auto sets = raw.label_sets(4);
  EXPECT_EQ(sets[0].names(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(sets[1].names(), (std::vector<std::string>{"bad", "good"}));
  const std::uint64_t before = raw.checksum();
  raw.renumber(sets);
  EXPECT_EQ(raw.checksum(), before);
  EXPECT_EQ(raw.labels()[0], (Numbers{1, 0, 1, 2}));
  EXPECT_EQ(raw.labels()[1], (Numbers{1, 0, 0, 1}));
  const RawTexts again(file, {.labels = {"topic", "mood"}}, sets);
  EXPECT_EQ(again.labels(), raw.labels());
  EXPECT_EQ(again.checksum(), before);
  const TemporaryText other("text,topic,mood\nabc,b,good\nde,a,bad\nf,b,good\nghij,c,good\n", "a.csv");
  EXPECT_NE(RawTexts(other, {.labels = {"topic", "mood"}}).checksum(), before);
}

TEST(RawTexts, LabelsOfValidationMustBeKnown) {
  const TemporaryText file(kMoods, "a.csv");
  RawTexts raw(file, {.labels = {"topic"}});
  const auto sets = raw.label_sets(3);  // without c
  EXPECT_ERROR(raw.renumber(sets), "column 'topic': label 'c' stands only in the part for validation");
  EXPECT_ERROR(RawTexts(file, {.labels = {"topic"}}, sets), "a.csv, line 5: column 'topic': no label 'c'");
  const RawTexts skipped(file, {.labels = {"topic"}, .read = test::kSkipBad}, sets);
  EXPECT_EQ(skipped.size(), 3);
  EXPECT_EQ(skipped.skipped().count, 1);
  EXPECT_ERROR(raw.label_sets(1), "column 'topic' has 1 different label;");
}

TEST(RawTexts, AFileMustHaveATextAndNotTooManyLabels) {
  EXPECT_ERROR(RawTexts(TemporaryText("text,label\n", "a.csv"), {}), "a.csv: no text in it");
  EXPECT_ERROR(RawTexts(TemporaryText("text,label\nx\n", "a.csv"), {.read = test::kSkipBad}),
               "a.csv: no good record in it, 1 skipped; the first: ");
  std::string many = "text,label\n";
  for (int i = 0; i <= 10000; ++i) many += "x," + std::to_string(i) + "\n";
  EXPECT_ERROR(RawTexts(TemporaryText(many, "a.csv"), {}),
               "column 'label' has more than 10000 different labels");
}

TEST(RawTexts, BecomeSequencesWithAStartMark) {
  RawTexts raw(TemporaryText(kMoods, "a.csv"), {.labels = {"mood"}});
  raw.renumber(raw.label_sets(4));
  const auto tokenizer = data::train_tokenizer({.kind = "char"}, raw.joined(4));
  const LabelledSequences all = encoded(raw, 1, 4, *tokenizer, 4);
  EXPECT_EQ(all.texts.lengths(), (Numbers{3, 2, 4}));
  EXPECT_EQ(all.labels, (std::vector<Numbers>{{0, 0, 1}}));
  EXPECT_EQ(all.cut, 1);
  for (std::int64_t i = 0; i < 3; ++i) EXPECT_EQ(all.texts[i].front(), tokenizer->size());
  EXPECT_EQ(tokenizer->decode(all.texts[0].subspan(1)), "de");
  EXPECT_EQ(tokenizer->decode(all.texts[2].subspan(1)), "ghi");
}

}  // namespace
}  // namespace attend::task
