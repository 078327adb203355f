#include "attend/data/labelled_text.h"

#include <gtest/gtest.h>

#include "attend/data/label_set.h"
#include "support/expect_error.h"
#include "support/records.h"

namespace attend::data {
namespace {

using test::kSkipBad;
using test::TemporaryText;

std::string listed(LabelledTextReader& reader) {
  std::string out;
  while (const auto record = reader.next()) {
    out += "[" + record->text;
    for (const std::string& label : record->labels) out += "|" + label;
    out += "]";
  }
  return out;
}

TEST(LabelledText, ReadsEveryFormat) {
  LabelledTextReader csv(TemporaryText("id,text,topic,mood\n1,\"a, b\",x,good\n2,c,y,bad\n", "a.csv"),
                         {.labels = {"mood", "topic"}});
  EXPECT_EQ(listed(csv), "[a, b|good|x][c|bad|y]");
  LabelledTextReader tsv(TemporaryText("a film\t1\nanother\t0\n", "a.tsv"),
                         {.text = "1", .labels = {"2"}, .header = false});
  EXPECT_EQ(listed(tsv), "[a film|1][another|0]");
  LabelledTextReader tab(TemporaryText("text\tlabel\na\tb\n", "a.tab"), {});
  EXPECT_EQ(listed(tab), "[a|b]");
  LabelledTextReader jsonl(TemporaryText("{\"label\": 3, \"text\": \"a\\nb\"}\n", "a.jsonl"), {});
  EXPECT_EQ(listed(jsonl), "[a\nb|3]");
  EXPECT_TRUE(jsonl.place().ends_with("a.jsonl, line 1")) << jsonl.place();
  LabelledTextReader alone(TemporaryText("text,more\na,b\n", "a.csv"), {.labels = {}});
  EXPECT_EQ(listed(alone), "[a]");
}

TEST(LabelledText, NamesWhatIsWrong) {
  EXPECT_ERROR(LabelledTextReader(TemporaryText("a\n", "a.txt"), {}),
               "a.txt: expected a file named *.csv, *.tsv, *.tab, *.jsonl or *.ndjson");
  EXPECT_ERROR(LabelledTextReader(TemporaryText("text,lable\n", "a.csv"), {}),
               "a.csv, line 1: no column 'label'; did you mean 'lable'?");
  EXPECT_ERROR(LabelledTextReader("nowhere/a.csv", {}), "nowhere/a.csv");
  const auto first = [](const char* content, const char* name) {
    LabelledTextReader(TemporaryText(content, name), {}).next();
  };
  EXPECT_ERROR(first("text,label\n\na,b\n", "a.csv"), "a.csv, line 2: ");
  EXPECT_ERROR(first("text,label\n ,b\n", "a.csv"), "a.csv, line 2: ");
  EXPECT_ERROR(first("text\tlabel\na\t\n", "a.tsv"), "a.tsv, line 2: ");
  EXPECT_ERROR(first("\n", "a.jsonl"), "a.jsonl, line 1: ");
  EXPECT_ERROR(first("{\"text\": \"a\"}\n", "a.jsonl"), "a.jsonl, line 1: ");
}

TEST(LabelledText, SkipsAndCountsBadRecordsAndThoseItsUserRejects) {
  LabelledTextReader reader(TemporaryText("text,label\n\na,b\nc\nd,e\n", "a.csv"), {.read = kSkipBad});
  EXPECT_EQ(reader.next()->text, "a");
  reader.reject("no label 'b'");
  EXPECT_EQ(listed(reader), "[d|e]");
  EXPECT_EQ(reader.skipped().count, 3);
  EXPECT_NE(reader.skipped().first.find("line 2"), std::string::npos) << reader.skipped().first;
}

TEST(LabelSet, IsTheSortedDifferentLabels) {
  const LabelSet set("topic", {"sports", "arts", "sports", "politics"});
  EXPECT_EQ(set.names(), (std::vector<std::string>{"arts", "politics", "sports"}));
  EXPECT_EQ(set.size(), 3);
  for (std::int64_t i = 0; i < 3; ++i) EXPECT_EQ(set.find(set.names()[static_cast<std::size_t>(i)]), i);
  for (const char* other : {"", "a", "sport", "z"}) EXPECT_EQ(set.find(other), std::nullopt);
  EXPECT_EQ(set.unknown("sprots"),
            "column 'topic': no label 'sprots'; did you mean 'sports'? There are: 'arts', 'politics', "
            "'sports'");
  EXPECT_ERROR(LabelSet("topic", {"a", "a"}), "column 'topic' has 1 different label; expected 2 to 10000");
  std::vector<std::string> many;
  for (int i = 0; i <= 10000; ++i) many.push_back(std::to_string(i));
  EXPECT_ERROR(LabelSet("id", many), "column 'id' has 10001 different labels");
}

}  // namespace
}  // namespace attend::data
