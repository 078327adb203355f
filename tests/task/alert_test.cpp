#include "attend/task/alert.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace attend::task {
namespace {

const std::vector<std::string> kColumns = {"topic", "sentiment"};

TEST(Alert, RulesAreRead) {
  EXPECT_EQ(parse_alert("sentiment=negative rate>0.3 window=200", kColumns),
            (AlertRule{"sentiment", "negative", 0.3, 200}));
  EXPECT_EQ(parse_alert("topic=world news  rate>0  window=1 ", kColumns),
            (AlertRule{"topic", "world news", 0, 1}));
  EXPECT_EQ(parse_alert("bad rate>0.5 window=10", {"label"}), (AlertRule{"label", "bad", 0.5, 10}));
  EXPECT_EQ(parse_alert("a=b=c rate>0.5 window=10", {"a", "a=b"}), (AlertRule{"a=b", "c", 0.5, 10}));
}

TEST(Alert, BadRulesAreNamedInOneLine) {
  EXPECT_ERROR(parse_alert("", kColumns), "alert '': no window=");
  EXPECT_ERROR(parse_alert("topic=a window=10", kColumns), "no rate>; expected COLUMN=LABEL rate>NUMBER");
  EXPECT_ERROR(parse_alert("topic=a rate>0.3", kColumns), "no window=");
  EXPECT_ERROR(parse_alert("topic=a rate>x window=3", kColumns), "'x' is no number behind rate>");
  EXPECT_ERROR(parse_alert("topic=a rate>0.2 window=3.5", kColumns), "'3.5' is no number behind window=");
  EXPECT_ERROR(parse_alert("mood=a rate>0.2 window=3", kColumns), "none of the columns topic, sentiment");
  EXPECT_ERROR(parse_alert("a rate>0.2 window=3", kColumns), "none of the columns");
  EXPECT_ERROR(parse_alert("topic= rate>0.2 window=3", kColumns), "no label");
  EXPECT_ERROR(parse_alert("topic=a rate>1 window=3", kColumns), "rate 1: a number from 0 and below 1");
  EXPECT_ERROR(parse_alert("topic=a rate>nan window=3", kColumns), "from 0 and below 1");
  EXPECT_ERROR(parse_alert("topic=a rate>0.2 window=0", kColumns), "window 0: 1 to 1000000");
}

TEST(Alert, IsRaisedOnceWhenTheShareRisesAndEndsWhenItFalls) {
  AlertWindow window({"c", "l", 0.5, 4});
  EXPECT_EQ(window.share(), 0);
  std::string changes;
  for (const char c : std::string("1110111000110100")) {
    switch (window.push(c == '1')) {
      case AlertChange::none:
        changes += '.';
        break;
      case AlertChange::raised:
        changes += '!';
        break;
      case AlertChange::ended:
        changes += '_';
        break;
    }
  }
  // Full at the fourth text with 3 of 4; 2 of 4 at the ninth; 3 of 4 again at the fourteenth.
  EXPECT_EQ(changes, "...!...._....!_.");
  EXPECT_EQ(window.share(), 0.25);
}

}  // namespace
}  // namespace attend::task
