#include "attend/task/appearance_alert.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace attend::task {
namespace {

const std::vector<std::string> kClasses = {"cat", "cat in hat", "person"};

TEST(AppearanceAlert, RulesAreRead) {
  const auto read = [](const char* text) { return parse_appearance(text, kClasses); };
  EXPECT_EQ(read("person"), (AppearanceRule{"person", 2}));
  EXPECT_EQ(read("cat in hat "), (AppearanceRule{"cat in hat", 1}));
  EXPECT_EQ(read("person frames=3"), (AppearanceRule{"person", 2, {}, 3}));
  EXPECT_EQ(read("cat in 0.2,0.1,0.6,0.9"), (AppearanceRule{"cat", 0, {0.2, 0.1, 0.6, 0.9}}));
  EXPECT_EQ(read("cat in hat in 0,0.25,1,.5  frames=12"),
            (AppearanceRule{"cat in hat", 1, {0, 0.25, 1, 0.5}, 12}));
  EXPECT_EQ(parse_appearance("a frames=3", {"a frames=3"}).label, "a frames=3");
  for (const char* text :
       {"person", "cat in hat", "cat in 0.2,0.1,0.6,0.9", "cat in hat in 0,0.25,1,0.5 frames=12"})
    EXPECT_EQ(to_string(read(text)), text);
}

TEST(AppearanceAlert, BadRulesAreNamedInOneLine) {
  const auto read = [](const char* text) { return parse_appearance(text, kClasses); };
  EXPECT_ERROR(read("dog"),
               "alert 'dog': 'dog' is none of the classes cat, cat in hat, person; expected CLASS [in LEFT");
  EXPECT_ERROR(read(""), "'' is none of the classes");
  EXPECT_ERROR(read("cat frames=x"), "'x' is no number behind frames=");
  EXPECT_ERROR(read("cat frames=0"), "frames 0: 1 to 1000000");
  EXPECT_ERROR(read("cat in 1,2,3"), "'1,2,3' is no region");
  EXPECT_ERROR(read("cat in 0,0,1,1,1"), "'0,0,1,1,1' is no region");
  EXPECT_ERROR(read("cat in a box"), "'a box' is no region");
  EXPECT_ERROR(read("cat in 0.5,0,0.5,1"), "region 0.5,0,0.5,1: left < right and top < bottom");
  EXPECT_ERROR(read("cat in 0,0,1,1.1"), "from 0 to 1");
  EXPECT_ERROR(read("cat in -0.1,0,1,1"), "from 0 to 1");
  EXPECT_ERROR(read("cat in 0,0,1,nan"), "from 0 to 1");
}

TEST(AppearanceAlert, TheCentreOfABoxIsInTheRegionOrNot) {
  const AppearanceRule rule{"person", 2, {0.25, 0.5, 0.75, 1}};
  const auto appears = [&](data::Box box) {
    const std::vector<data::DetectedBox> objects = {{.box = {0, 0, 1, 1, 0}}, {.box = box}};
    return appears_in(rule, objects, 400, 100);
  };
  EXPECT_TRUE(appears({100, 40, 200, 80, 2}));
  EXPECT_FALSE(appears({100, 40, 200, 80, 1}));
  EXPECT_TRUE(appears({50, 0, 150, 100, 2}));    // on the corner
  EXPECT_FALSE(appears({49, 0, 150, 100, 2}));   // a little left of it
  EXPECT_FALSE(appears({50, 0, 150, 99, 2}));    // a little above it
  EXPECT_FALSE(appears({300, 90, 301, 91, 2}));  // right of the region
  EXPECT_FALSE(appears_in(rule, {}, 400, 100));
}

TEST(AppearanceAlert, AsManyPicturesInARowRaiseAndEndIt) {
  const auto changes = [](std::int64_t frames, const std::string& seen) {
    AppearanceWatch watch({.label = "cat", .frames = frames});
    std::string text;
    for (const char c : seen) {
      const AlertChange change = watch.push(c == '1');
      text += change == AlertChange::none ? '.' : change == AlertChange::raised ? '!' : '_';
    }
    return text;
  };
  EXPECT_EQ(changes(1, "01101001"), ".!._!_.!");
  EXPECT_EQ(changes(3, "1101110110010001000"), ".....!........_....");
}

}  // namespace
}  // namespace attend::task
