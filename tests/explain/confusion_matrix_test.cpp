#include "attend/explain/confusion_matrix.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace attend::explain {
namespace {

ConfusionMatrix pets() {
  return {.title = "pets", .labels = {"cat", "<dog>", "fish"}, .counts = {{8, 2, 0}, {5, 15, 0}, {0, 0, 0}}};
}

TEST(ConfusionMatrix, TerminalShowsCountsAndWhatIsConfused) {
  TerminalOptions options{.width = 60, .top = 1, .color = ColorDepth::kNone};
  EXPECT_EQ(to_terminal(pets(), options),
            "pets\n"
            "rows: the true class; columns: what was predicted\n"
            "              1  2  3\n"
            "    1  cat    8  2  0\n"
            "    2  <dog>  5 15  0\n"
            "    3  fish   0  0  0\n"
            "5 <dog> taken for cat\n");
  options.color = ColorDepth::kTrueColor;
  EXPECT_NE(to_terminal(pets(), options).find("\x1b[48;2;"), std::string::npos);
}

TEST(ConfusionMatrix, TerminalCutsWhatDoesNotFit) {
  ConfusionMatrix many;
  for (int i = 0; i < 30; ++i) {
    many.labels.push_back("a class with a very long name, number " + std::to_string(i));
    many.counts.emplace_back(30, 1000);
  }
  const std::string text =
      to_terminal(many, {.width = 60, .top = 0, .color = ColorDepth::kNone, .unicode = false});
  EXPECT_NE(text.find("the first 5 of 30 classes\n"), std::string::npos) << text;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    EXPECT_LE(end - begin, 60u) << text.substr(begin, end - begin);
}

TEST(ConfusionMatrix, PageHoldsLabelsAsData) {
  const std::string page = to_html(pets());
  EXPECT_NE(page.find("<th scope=\"row\">&lt;dog&gt;</th><td style=\"background: rgb(212 101 11 / 15.0%)\" "
                      "title=\"25.0 %\">5</td><td style=\"background: rgb(37 99 235 / 45.0%)\""),
            std::string::npos)
      << page;
  EXPECT_EQ(page.find("<dog>"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
}

TEST(ConfusionMatrix, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(to_html(ConfusionMatrix{}), "no classes");
  ConfusionMatrix matrix = pets();
  matrix.counts[1].pop_back();
  EXPECT_ERROR(to_terminal(matrix), "3 classes with a row of 2 counts");
  matrix.counts.pop_back();
  EXPECT_ERROR(to_terminal(matrix), "3 classes with 2 rows");
  matrix = pets();
  matrix.counts[0][1] = -1;
  EXPECT_ERROR(to_terminal(matrix), "the count -1");
}

}  // namespace
}  // namespace attend::explain
