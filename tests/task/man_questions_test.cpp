#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "attend/data/question_answers.h"
#include "attend/data/split.h"
#include "attend/io/file.h"
#include "attend/task/dataset.h"
#include "support/expect_error.h"
#include "support/fake_archive.h"
#include "support/gzipped.h"
#include "support/records.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::FakeArchive;

constexpr int kPages = 40;

std::string item(const std::string& code, const std::string& description) {
  return ".TP\n.B " + code + "\n" + description + "\n";
}

/// A page with four codes that can be asked for; the last description is on all pages.
std::string page(const std::string& name) {
  return ".TH " + name + " 2\n.SH ERRORS\n" +
         item("EPERM", "The caller of\n.BR " + name + " (2)\nis not root.") + item("EACCES", "See below.") +
         item("EBADF", "Descriptor of " + name + " is closed.") +
         item("EBADFD", "Descriptor of " + name + " is odd.") +
         item("EBADF", "Like EBADF of " + name + " elsewhere.") + item("EIO", "The disk is broken.");
}

/// Which pages there are, and what the archive's package holds.
class ManQuestions : public testing::Test {
 protected:
  void SetUp() override {
    if (!FakeArchive::possible()) GTEST_SKIP() << "this machine has no apt";
    for (int i = 0; i < kPages; ++i) {
      // Only letters make questions differ.
      const std::string name =
          std::string("call") + static_cast<char>('a' + i / 26) + static_cast<char>('a' + i % 26);
      files_[fmt::format("usr/share/man/man{}/{}.2.gz", i % 2 + 2, name)] = test::gzipped(page(name));
    }
  }
  void TearDown() override { ::unsetenv("APT_CONFIG"); }

  DatasetResult make(const std::string& out = "set") {
    archive_.add_files("manpages-dev", files_, "manpages");
    archive_.add_file("manpages", "usr/share/man/man7/man.7", "");
    archive_.sign();
    ::setenv("APT_CONFIG", archive_.configuration().c_str(), 1);
    return prepare_dataset(
        {.name = "man-questions", .out = archive_ / out, .cache = archive_ / "cache", .command = ""});
  }
  std::string file(const std::string& name) const { return io::read_file(archive_ / "set" / name); }

  std::map<std::string, std::string> files_;
  FakeArchive archive_{{}, {}};
};

TEST_F(ManQuestions, AskForTheCodesOfAPage) {
  const DatasetResult result = make();
  EXPECT_EQ(result.unit, "questions");
  EXPECT_EQ(result.bad_records, 0);
  std::map<std::string, int> asked;  // of a context
  std::int64_t broken = 0;
  for (const DatasetFile& made : result.files) {
    const auto list = test::all_records(data::QuestionTableReader(archive_ / "set" / made.name));
    EXPECT_EQ(static_cast<std::int64_t>(list.size()), made.records) << made.name;
    EXPECT_GT(made.records, 0) << made.name;
    std::set<std::string> ended;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const data::QuestionAnswers& one = list[i];
      const std::string name = one.context.substr(0, one.context.find(':'));
      EXPECT_EQ(one.context, name + ": EBADF, EBADFD, EIO, EPERM");
      const data::Split split = data::split_of(name, {.valid = 0.15, .test = 0.20});
      EXPECT_EQ(made.name, split == data::Split::train   ? "train.tsv"
                           : split == data::Split::valid ? "valid.tsv"
                                                         : "test.tsv");
      ASSERT_EQ(one.answers.size(), 1u);
      if (i > 0 && list[i - 1].context != one.context) {
        EXPECT_TRUE(ended.insert(list[i - 1].context).second) << "not one after the other";
      }
      ++asked[one.context];
      const std::string& answer = one.answers[0].text;
      if (one.question == "The disk is broken.") {
        ++broken;
        EXPECT_EQ(made.name, "train.tsv");
        EXPECT_EQ(answer, "EIO");
      } else {
        EXPECT_EQ(one.question, answer == "EPERM"   ? fmt::format("The caller of {}(2) is not root.", name)
                                : answer == "EBADF" ? fmt::format("Descriptor of {} is closed.", name)
                                                    : fmt::format("Descriptor of {} is odd.", name));
        if (answer == "EBADFD") {
          EXPECT_EQ(one.answers[0].start, name.size() + 9);
        }
      }
    }
  }
  EXPECT_EQ(asked.size(), static_cast<std::size_t>(kPages));
  EXPECT_EQ(result.files[0].records, 4 * broken);
  EXPECT_EQ(result.files[1].records.value() % 3, 0);
  EXPECT_EQ(result.files[0].records.value() / 4 +
                (result.files[1].records.value() + result.files[2].records.value()) / 3,
            kPages);
  const std::string readme = file("README.md");
  for (const char* part :
       {"right in 25.0 % of train, 25.0 % of valid and 25.0 % of test", "of 40 manual pages"})
    EXPECT_NE(readme.find(part), std::string::npos) << part << " in\n" << readme;
  EXPECT_EQ(file("copyright"), "Anybody may read it.\n") << "of the package that has the documentation";
}

TEST_F(ManQuestions, LeaveOutWhatCannotBeAskedFor) {
  const std::string folder = "usr/share/man/man2/";
  files_[folder + "few.2"] = ".TH few 2\n.SH ERRORS\n" + item("EIO", "One two three.") +
                             item("EPERM", "One two four.") + item("EACCES", "One two five.") +
                             item("EBADF", "Too short.");
  files_[folder + "other.2"] = ".so man2/call1.2\n";
  files_["usr/share/man/man7/errors.7"] = page("errors");
  files_[folder + "plain.2"] = page("plain");
  EXPECT_EQ(make().bad_records, 0);
  const std::string all = file("train.tsv") + file("valid.tsv") + file("test.tsv");
  EXPECT_EQ(all.find("few:"), std::string::npos);
  EXPECT_EQ(all.find("other:"), std::string::npos);
  EXPECT_EQ(all.find("errors:"), std::string::npos);
  EXPECT_NE(all.find("plain:"), std::string::npos);
}

TEST_F(ManQuestions, PassOverBadPagesAndCountThem) {
  const std::string folder = "usr/share/man/man3/", packed = test::gzipped(page("short"));
  files_[folder + "short.3.gz"] = packed.substr(0, packed.size() - 4);
  files_[folder + "empty.3.gz"] = "";
  files_[folder + "text.3"] = "no roff\n";
  files_[folder + "a name.3"] = page("name");
  EXPECT_EQ(make().bad_records, 4);
  EXPECT_EQ((file("train.tsv") + file("valid.tsv") + file("test.tsv")).find("short:"), std::string::npos);
}

TEST_F(ManQuestions, NeedPages) {
  files_ = {{"usr/share/man/man2/a.2", ".TH a 2\n"}};
  EXPECT_ERROR(make(), "the package manpages-dev has no manual pages to learn from");
  EXPECT_FALSE(fs::exists(archive_ / "set"));
}

}  // namespace
}  // namespace attend::task
