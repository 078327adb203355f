#include "attend/explain/word_scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "support/expect_error.h"

namespace attend::explain {
namespace {

using Word = WordScores::Word;

WordScores film() {
  WordScores scores{.title = "positive 0.98", .text = "a <fine>  film\n", .words = {}, .measures = {}};
  scores.words = words_of(scores.text);
  scores.measures = {{"attention", "weights", {0.1, 0.7, 0.2}}, {"gradient", "g . x", {0.5, -1.5, 0.25}}};
  return scores;
}

TEST(WordScores, WordsAreWhatStandsBetweenWhiteSpace) {
  EXPECT_EQ(words_of("a <fine>  film\n"), (std::vector<Word>{{0, 1}, {2, 8}, {10, 14}}));
  EXPECT_EQ(words_of("\t\n "), std::vector<Word>{});
  EXPECT_EQ(words_of("ä"), (std::vector<Word>{{0, 2}}));
}

TEST(WordScores, ScoresOfPiecesBecomeThoseOfWords) {
  const std::string text = "unlike a  dog ";
  const std::vector<Word> words = words_of(text);
  const auto merged = [&](const std::vector<std::string>& pieces, const std::vector<double>& scores) {
    return merged_scores(text, words, pieces, scores);
  };
  EXPECT_EQ(merged({"un", "like", " a", " ", " dog", " "}, {1, 2, 4, 8, 16, 32}),
            (std::vector<double>{3, 4, 56}));
  // A piece over two words: 3 of its bytes in or before the first, 3 in or before the second.
  EXPECT_EQ(merged({"unl", "ike a ", " dog", " "}, {1, 6, 4, 0}), (std::vector<double>{4, 2, 5}));
  for (const auto& pieces : {std::vector<std::string>{"unlike a  dog "}, {"unlike", " a  dog "}}) {
    const std::vector<double> scores(pieces.size(), 0.7);
    const auto result = merged(pieces, scores);
    EXPECT_NEAR(std::accumulate(result.begin(), result.end(), 0.0), 0.7 * static_cast<double>(pieces.size()),
                1e-12);
  }
  EXPECT_ERROR(merged({"un", "like"}, {1}), "1 scores for 2 pieces");
  EXPECT_ERROR(merged({"un", "lik"}, {1, 1}), "pieces of 5 bytes for a text of 14");
  EXPECT_ERROR(merged({"in", "like"}, {1, 1}), "piece 0 is not what stands at byte 0");
  EXPECT_ERROR(merged_scores(" ", {}, {" "}, std::vector<double>{1}), "without a word");
}

TEST(WordScores, TerminalShowsTheTextAndTheStrongestWords) {
  TerminalOptions options{.width = 60, .top = 2, .color = ColorDepth::kNone};
  const std::string text = to_terminal(film(), options);
  EXPECT_EQ(text,
            "positive 0.98\n"
            "attention  weights\n"
            "  a <fine> film\n"
            "  +0.7000  <fine>\n"
            "  +0.2000  film\n"
            "gradient  g . x\n"
            "  a <fine> film\n"
            "  -1.5000  <fine>\n"
            "  +0.5000  a\n");
  options.color = ColorDepth::kTrueColor;
  const std::string colored = to_terminal(film(), options);
  EXPECT_NE(colored.find("\x1b[48;2;"), std::string::npos);
  EXPECT_NE(colored.find("\x1b[2m<fine>"), std::string::npos) << "a word against it is dimmed";
  options = {.width = 40, .top = 0, .color = ColorDepth::kNone, .unicode = false};
  WordScores wide{.title = "", .text = "", .words = {}, .measures = {}};
  for (int i = 0; i < 30; ++i) wide.text += "wörd ";
  wide.text += std::string(100, 'x');
  wide.words = words_of(wide.text);
  wide.measures = {{"m", "", std::vector<double>(31, 1)}};
  std::size_t longest = 0, begin = 0;
  const std::string lines = to_terminal(wide, options);
  for (std::size_t end; (end = lines.find('\n', begin)) != std::string::npos; begin = end + 1)
    longest = std::max(longest, end - begin);
  EXPECT_LE(longest, 40u);
  EXPECT_GT(longest, 30u);
  for (const char c : lines) EXPECT_LT(static_cast<unsigned char>(c), 0x80);
}

TEST(WordScores, PageHoldsTextAsDataAndBothColours) {
  const std::string page = to_html(film());
  EXPECT_NE(page.find("<title>positive 0.98</title>"), std::string::npos);
  EXPECT_NE(page.find("title=\"-1.5000\">&lt;fine&gt;</span>  <span"), std::string::npos);
  EXPECT_NE(page.find("rgb(37 99 235 / 55.0%)"), std::string::npos);
  EXPECT_NE(page.find("rgb(212 101 11 / 55.0%)"), std::string::npos);
  EXPECT_EQ(page.find("<fine>"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("http:"), std::string::npos);
  EXPECT_TRUE(page.ends_with("</html>\n"));
}

TEST(WordScores, JsonHasEverything) {
  const auto object = nlohmann::json::parse(to_json(film()));
  EXPECT_EQ(object["format"], "attend-word-scores");
  EXPECT_EQ(object["text"], "a <fine>  film\n");
  EXPECT_EQ(object["words"][1]["text"], "<fine>");
  EXPECT_EQ(object["words"][1]["begin"], 2);
  EXPECT_EQ(object["measures"][1]["name"], "gradient");
  EXPECT_EQ(object["measures"][1]["scores"][1], -1.5);
  WordScores odd = film();
  odd.text[3] = '\xff';
  EXPECT_TRUE(nlohmann::json::accept(to_json(odd)));
}

TEST(WordScores, RefusesWhatDoesNotFit) {
  WordScores scores = film();
  scores.measures[0].scores.pop_back();
  EXPECT_ERROR(to_html(scores), "2 scores for 3 words");
  scores = film();
  scores.measures[0].scores[1] = NAN;
  EXPECT_ERROR(to_terminal(scores), "no finite number");
  scores = film();
  scores.words[2].end = 99;
  EXPECT_ERROR(to_json(scores), "a word from byte 10 to 99 after byte 8 in a text of 15");
}

}  // namespace
}  // namespace attend::explain
