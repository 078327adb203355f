#include "attend/train/progress.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>
#include <string>

namespace attend::train {
namespace {

StepReport at(std::int64_t step, double seconds) {
  return {.step = step,
          .steps = 2000,
          .loss = 1.93216,
          .learning_rate = 8.1e-4,
          .items_per_second = 142345,
          .seconds = seconds,
          .seconds_left = 32,
          .memory = {.current = 61'000'000, .peak = 1'250'000'000}};
}

TEST(Progress, DescribesAStep) {
  EXPECT_EQ(describe(at(1200, 48)),
            "step 1200/2000 [############--------]  loss 1.932  lr 0.00081  142k tokens/s  0:32 left  "
            "61 MB, peak 1.25 GB");
  EXPECT_EQ(describe(at(1200, 48), 90),
            "step 1200/2000  loss 1.932  lr 0.00081  142k tokens/s  0:32 left  61 MB, peak 1.25 GB");
  EXPECT_EQ(describe(at(1200, 48), 30), "step 1200/2000  loss 1.932  lr");
  StepReport of_pictures = at(1200, 48);
  of_pictures.item = "pictures";
  EXPECT_NE(describe(of_pictures).find("142k pictures/s"), std::string::npos);
}

TEST(Progress, DescribesARunLimitedByTime) {
  StepReport report = at(1200, 5400);
  report.steps = 0;
  report.seconds_left = 5400;
  report.items_per_second = 0;
  EXPECT_EQ(describe(report),
            "step 1200 [##########----------]  loss 1.932  lr 0.00081  1:30:00 left  61 MB, peak 1.25 GB");
  report.seconds_left = std::numeric_limits<double>::infinity();
  EXPECT_NE(describe(report).find("step 1200"), std::string::npos);
}

TEST(Progress, PlainLinesElsewhere) {
  std::ostringstream text;
  {
    Progress progress(text, {.interval = 10});
    for (int step = 1; step <= 25; ++step) progress.on_step(at(step, step));
    progress.on_evaluation({25, 1.5, true});
    progress.on_evaluation({25, 1.75, false});
    progress.on_message("a message");
  }
  const std::string expected =
      describe(at(1, 1)) + "\n" + describe(at(11, 11)) + "\n" + describe(at(21, 21)) + "\n" +
      "step 25  validation loss 1.5, the best so far\n" + "step 25  validation loss 1.75\n" + "a message\n" +
      describe(at(25, 25)) + "\n";
  EXPECT_EQ(text.str(), expected);
}

TEST(Progress, OneLineOnATerminal) {
  std::string text;
  Progress progress([&](std::string_view piece) { text += piece; },
                    {.terminal = true, .columns = 91, .interval = 1});
  progress.on_step(at(1, 1));
  progress.on_step(at(2, 1.5));  // too soon
  EXPECT_EQ(text, "\r\x1b[K" + describe(at(1, 1), 90));
  text.clear();
  progress.on_message("hello");
  EXPECT_EQ(text, "\r\x1b[Khello\n\r\x1b[K" + describe(at(2, 1.5), 90));
  text.clear();
  progress.finish();
  EXPECT_EQ(text, "\n");
  progress.finish();
  EXPECT_EQ(text, "\n");
  progress.on_message("later");
  EXPECT_EQ(text, "\nlater\n");
}

TEST(Progress, NeverWritesInTheLastColumn) {
  std::string text;
  Progress progress([&](std::string_view piece) { text += piece; }, {.terminal = true, .columns = 40});
  progress.on_step(at(1, 1));
  EXPECT_EQ(text.size(), std::string("\r\x1b[K").size() + 39);
}

}  // namespace
}  // namespace attend::train
