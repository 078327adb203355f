#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/child.h"
#include "support/fake_archive.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;

TEST(Data, ListsWhatThereIs) {
  const Ended text = attend({"data", "list"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("debian-en-fr\n  task   translate\n"), std::string::npos) << text.out;
  const auto list = nlohmann::json::parse(attend({"data", "list", "--json"}).out);
  EXPECT_EQ(list[0]["name"], "debian-en-fr");
  EXPECT_GE(list.size(), 8u);
}

TEST(Data, RefusesWhatItCannotDoInOneLine) {
  const auto refuses = [](const std::vector<std::string>& arguments, const std::string& part,
                          const ChildOptions& options = {}) {
    const Ended ended = attend(arguments, options);
    EXPECT_EQ(ended.code, 2) << ended.err;
    EXPECT_EQ(ended.out, "");
    EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err;
    EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
  };
  refuses({"data"}, "name");
  refuses({"data", "debian-en-ft", "--out", "x"}, "did you mean debian-en-fr?");
  refuses({"data", "debian-en-fr"}, "--out DIR is needed");
  refuses({"data", "sherlock", "--out", "x", "--fold", "1"}, "fold 1: sherlock has 1 fold, counted from 0");
  refuses({"data", "sherlock", "--out", "x", "--scenes", "5"}, "scenes 5: sherlock has no scenes");
  refuses({"data", "fashion-scenes", "--out", "x", "--scenes", "0"}, "--scenes");
  refuses({"data", "debian-en-fr", "--out", "x"}, "--cache DIR needed",
          {.environment = {{"HOME", ""}, {"XDG_CACHE_HOME", "relative"}}});
}

TEST(Data, MakesAFolder) {
  if (!FakeArchive::possible()) GTEST_SKIP() << "this machine has no apt";
  FakeArchive archive({}, {});
  archive.add_file("golang-github-jdkato-prose-dev", "usr/share/sherlock.txt", "One.\n\nTwo.\n");
  archive.sign();
  const std::string out = (archive / "it's a book").string();
  const Ended made = attend({"data", "sherlock", "--out", out},
                            {.environment = {{"APT_CONFIG", archive.configuration().string()},
                                             {"XDG_CACHE_HOME", (archive / "caches").string()}}});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.out, out + ": train.txt 11 characters, valid.txt 0 characters, test.txt 0 characters\n");
  EXPECT_TRUE(fs::exists(archive / "caches/attend/lists"));
  EXPECT_NE(read_all(fs::path(out) / "README.md").find("it'\\''s a book'\n"), std::string::npos);
}

}  // namespace
}  // namespace attend::test
