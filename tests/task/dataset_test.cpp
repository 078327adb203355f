#include "attend/task/dataset.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "attend/data/delimited.h"
#include "attend/data/parallel.h"
#include "attend/data/split.h"
#include "attend/io/file.h"
#include "support/expect_error.h"
#include "support/fake_archive.h"
#include "support/records.h"
#include "task/dataset_folder.h"

namespace attend::task {
namespace {

namespace fs = std::filesystem;
using test::FakeArchive;
using test::FakePackage;

constexpr int kSources = 60;

/// Two packages of each source, whose descriptions tell the source and share a sentence.
std::vector<FakePackage> packages() {
  std::vector<FakePackage> list;
  for (int i = 0; i < kSources; ++i) {
    for (const char* part : {"", "-data"}) {
      const std::string source = fmt::format("tool{}", i), name = source + part;
      list.push_back(
          {.name = name,
           .source = source,
           .section = i % 3 == 0   ? "games"
                      : i % 3 == 1 ? "math"
                                   : "libdevel",
           .synopsis = fmt::format("useful program {} for everybody", name),
           .description = fmt::format(" The program {} does what {} must do every day.\n It is free.\n .\n"
                                      " This is what all programs of {} have in common.\n",
                                      name, name, source),
           .translations = {
               {"fr",
                fmt::format("programme utile {} pour tous\n Le programme {} fait ce que {} doit faire.\n"
                            " Il est libre.\n .\n Voici ce que tous les programmes de {} ont en commun.\n",
                            name, name, name, source)}}});
    }
  }
  return list;
}

class DebianData : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!FakeArchive::possible()) GTEST_SKIP() << "this machine has no apt";
    archive_.add_file("golang-github-jdkato-prose-dev", "usr/share/x/testdata/sherlock.txt", framed(book()));
    archive_.sign();
    ::setenv("APT_CONFIG", archive_.configuration().c_str(), 1);
  }
  void TearDown() override { ::unsetenv("APT_CONFIG"); }

  static std::string book() {
    std::string text;
    for (int i = 0; i < 200; ++i) text += fmt::format("Paragraph {} of\r\nthe book, “quoted”.\r\n\r\n", i);
    return text;
  }
  static std::string framed(const std::string& text) {
    return "\xef\xbb\xbfThe Project\r\n*** START OF THIS PROJECT ***\r\n\r\n" + text +
           "\r\n*** END OF THIS\r\nterms\r\n";
  }

  DatasetJob job(const std::string& name, const std::string& out) const {
    return {.name = name, .out = archive_ / out, .cache = archive_ / "cache", .command = "attend data"};
  }
  std::string file(const std::string& name) const { return io::read_file(archive_ / name); }
  std::vector<data::TextPair> pairs(const std::string& name) const {
    return test::all_records(data::PairTableReader(archive_ / name));
  }
  /// Nothing is left of a set that could not be made.
  void expect_nothing(const std::string& out) const {
    EXPECT_FALSE(fs::exists(archive_ / out));
    EXPECT_FALSE(fs::exists(archive_ / (out + ".part")));
  }

  FakeArchive archive_{packages(), {"fr", "de"}};
};

/// "tool7" from "... tool7-data ...".
std::string source_in(const std::string& text) {
  const std::size_t begin = text.find("tool");
  EXPECT_NE(begin, std::string::npos) << text;
  return text.substr(begin, text.find_first_not_of("0123456789", begin + 4) - begin);
}

TEST_F(DebianData, MakesTranslationPairsSplitBySourcePackage) {
  const DatasetResult result = prepare_dataset(job("debian-en-fr", "pairs"));
  EXPECT_FALSE(result.stopped);
  EXPECT_EQ(result.unit, "pairs");
  EXPECT_EQ(result.bad_records, 0);
  ASSERT_EQ(result.files.size(), 3u);
  std::map<std::string, data::Split> split_of_source;
  std::set<std::string> sources;
  std::int64_t all = 0;
  for (const DatasetFile& made : result.files) {
    const auto list = pairs("pairs/" + made.name);
    EXPECT_EQ(static_cast<std::int64_t>(list.size()), made.records) << made.name;
    EXPECT_GT(made.records, 0) << made.name;
    all += made.records.value();
    const data::Split split = made.name == "train.tsv"   ? data::Split::train
                              : made.name == "valid.tsv" ? data::Split::valid
                                                         : data::Split::test;
    for (const data::TextPair& pair : list) {
      EXPECT_TRUE(sources.insert(pair.source).second) << "twice: " << pair.source;
      if (pair.source == "It is free.") continue;
      EXPECT_EQ(source_in(pair.source), source_in(pair.target));
      EXPECT_EQ(data::split_of(source_in(pair.source)), split) << pair.source;
    }
  }
  // Of each package synopsis and sentence, of each source what its packages share, and what all share.
  EXPECT_EQ(all, 2 * 2 * kSources + kSources + 1);
  EXPECT_TRUE(sources.contains("This is what all programs of tool5 have in common."));
  EXPECT_FALSE(fs::exists(archive_ / "pairs/.scratch"));
  EXPECT_FALSE(fs::exists(archive_ / "pairs.part"));
  const std::string readme = file("pairs/README.md");
  const std::string parts[] = {fmt::format("| train.tsv | {} |", result.files[0].records.value()),
                               "Debian fake 1.0", "Free Software Guidelines", "    attend data\n"};
  for (const std::string& part : parts)
    EXPECT_NE(readme.find(part), std::string::npos) << part << " in\n" << readme;
}

TEST_F(DebianData, IsTheSameEveryTime) {
  prepare_dataset(job("debian-en-fr", "one"));
  EXPECT_TRUE(fs::exists(archive_ / "cache/lists"));
  // From the cache, although the archive is gone.
  fs::rename(archive_ / "archive", archive_ / "gone");
  prepare_dataset(job("debian-en-fr", "two/"));
  for (const char* name : {"train.tsv", "valid.tsv", "test.tsv"})
    EXPECT_EQ(file(std::string("one/") + name), file(std::string("two/") + name));
  const auto train = pairs("one/train.tsv");
  EXPECT_FALSE(std::ranges::is_sorted(train, {}, &data::TextPair::source)) << "in the order of the list";
  DatasetJob again = job("debian-en-fr", "three");
  again.refresh = true;
  EXPECT_ERROR(prepare_dataset(again), "apt-get update: ");
  expect_nothing("three");
  EXPECT_TRUE(fs::exists(archive_ / "cache/lists")) << "a failed refresh took the lists away";
  EXPECT_FALSE(fs::exists(archive_ / "cache/lists.part"));
  EXPECT_FALSE(fs::exists(archive_ / "invoked")) << "apt ran the machine's own command";
}

TEST_F(DebianData, MakesSummariesAndQueries) {
  const DatasetResult summary = prepare_dataset(job("debian-summary", "summary"));
  const DatasetResult search = prepare_dataset(job("debian-search", "search"));
  std::set<std::string> forward, backward;
  for (const DatasetFile& made : summary.files)
    for (const auto& pair : pairs("summary/" + made.name)) forward.insert(pair.source + "|" + pair.target);
  for (const DatasetFile& made : search.files)
    for (const auto& pair : pairs("search/" + made.name)) backward.insert(pair.target + "|" + pair.source);
  EXPECT_EQ(forward, backward);
  EXPECT_EQ(forward.size(), 2u * kSources);
  EXPECT_TRUE(
      forward.contains("The program tool3-data does what tool3-data must do every day. It is free. This is "
                       "what all programs of tool3 have in common.|useful program tool3-data for everybody"));
}

TEST_F(DebianData, MakesATableOfSections) {
  const DatasetResult result = prepare_dataset(job("debian-sections", "sections"));
  std::map<std::string, int> labels;
  for (const DatasetFile& made : result.files) {
    data::DelimitedReader reader(archive_ / ("sections/" + made.name),
                                 {.delimiter = '\t', .quotes = false, .columns = {"label", "text"}});
    while (const auto row = reader.next()) {
      ++labels[(*row)[0]];
      EXPECT_EQ((*row)[0], std::stoi(source_in((*row)[1]).substr(4)) % 3 == 0 ? "games" : "math");
    }
  }
  EXPECT_EQ(labels, (std::map<std::string, int>{{"games", 40}, {"math", 40}}));
}

TEST_F(DebianData, MeasuresOtherSourcesInEachFold) {
  std::multiset<std::string> measured;
  for (int fold = 0; fold < 10; ++fold) {
    DatasetJob of_fold = job("debian-summary", fmt::format("fold{}", fold));
    of_fold.fold = fold;
    prepare_dataset(of_fold);
    for (const auto& pair : pairs(fmt::format("fold{}/test.tsv", fold))) measured.insert(pair.target);
    EXPECT_EQ(file(fmt::format("fold{}/README.md", fold)).find("This is fold") != std::string::npos,
              fold > 0);
  }
  EXPECT_EQ(measured.size(), 2u * kSources);
  EXPECT_EQ(std::set<std::string>(measured.begin(), measured.end()).size(), 2u * kSources);
  DatasetJob none = job("debian-summary", "none");
  none.fold = 10;
  EXPECT_ERROR(prepare_dataset(none), "fold 10: debian-summary has 10 folds, counted from 0");
  expect_nothing("none");
}

TEST_F(DebianData, MakesRunningText) {
  prepare_dataset(job("debian-text", "text"));
  const std::string all = file("text/train.txt") + file("text/valid.txt") + file("text/test.txt");
  const auto count = [&](const std::string& part) {
    int found = 0;
    for (std::size_t i = all.find(part); i != std::string::npos; i = all.find(part, i + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("\nThis is what all programs of tool5 have in common.\n"), 1);
  EXPECT_EQ(count("useful program tool5 for everybody\nThe program tool5 does what tool5 must do every day. "
                  "It is free.\n"),
            1);
  EXPECT_EQ(count("\n\n"), 2 * kSources);
}

TEST_F(DebianData, MakesABook) {
  const DatasetResult result = prepare_dataset(job("sherlock", "book"));
  std::string text = book();
  std::erase(text, '\r');
  const std::string train = file("book/train.txt"), valid = file("book/valid.txt"),
                    rest = file("book/test.txt");
  EXPECT_EQ(train + valid + rest, text);
  EXPECT_NEAR(static_cast<double>(train.size()) / static_cast<double>(text.size()), 0.85, 0.01);
  EXPECT_NEAR(static_cast<double>(valid.size()) / static_cast<double>(text.size()), 0.05, 0.01);
  EXPECT_TRUE(train.ends_with("\n\n"));
  EXPECT_TRUE(valid.ends_with("\n\n"));
  EXPECT_EQ(result.unit, "characters");
  EXPECT_LT(result.files[0].records, static_cast<std::int64_t>(train.size())) << "bytes were counted";
  EXPECT_EQ(file("book/copyright"), "Anybody may read it.\n");
}

TEST_F(DebianData, SaysWhatAptSays) {
  // The list is not the one that the release file tells of.
  std::ofstream(archive_.list("main/i18n/Translation-fr.gz"), std::ios::app) << "more";
  EXPECT_ERROR(prepare_dataset(job("debian-en-fr", "out")), "apt-get update: Failed to fetch copy:");
  expect_nothing("out");
  EXPECT_FALSE(fs::exists(archive_ / "cache/lists"));
}

TEST_F(DebianData, RefusesAPackageThatIsNotTheOneOfTheList) {
  std::ofstream(archive_ / "archive/pool/golang-github-jdkato-prose-dev.deb", std::ios::app) << "more";
  EXPECT_ERROR(prepare_dataset(job("sherlock", "out")), "apt-get download golang-github-jdkato-prose-dev: ");
  expect_nothing("out");
}

TEST_F(DebianData, NeedsASourceOfDebian) {
  std::ofstream(archive_ / "sources.list") << "# nothing\n";
  EXPECT_ERROR(prepare_dataset(job("debian-en-fr", "out")), "/etc/apt must name a Debian mirror");
  EXPECT_ERROR(prepare_dataset(job("sherlock", "out")), "/etc/apt must name a Debian mirror");
  expect_nothing("out");
}

TEST_F(DebianData, PassesOverBadRecordsAndCountsThem) {
  const FakePackage good = {.name = "coreutils",
                            .source = "coreutils",
                            .section = "utils",
                            .synopsis = "one two three",
                            .description = " It has a text.\n"};
  FakePackage bad = good;
  bad.name = "bad";
  bad.synopsis = "";
  FakeArchive archive({bad, good}, {});
  archive.sign();
  ::setenv("APT_CONFIG", archive.configuration().c_str(), 1);
  EXPECT_EQ(prepare_dataset(job("debian-text", "out")).bad_records, 1);
  EXPECT_EQ(file("out/train.txt"), "one two three\nIt has a text.\n\n");
}

TEST_F(DebianData, StopsWhenAskedTo) {
  const std::atomic<bool> stop = true;
  DatasetJob stopped = job("debian-en-fr", "out");
  stopped.stop = &stop;
  EXPECT_TRUE(prepare_dataset(stopped).stopped);
  expect_nothing("out");
  EXPECT_FALSE(fs::exists(archive_ / "cache/lists.part"));
}

TEST_F(DebianData, NeverReplacesAnything) {
  fs::create_directory(archive_ / "full");
  std::ofstream(archive_ / "full/notes") << "mine";
  EXPECT_ERROR(prepare_dataset(job("debian-text", "full")), "full: it is there and not empty");
  EXPECT_ERROR(prepare_dataset(job("debian-text", "full/notes")), "a file of this name is there");
  EXPECT_EQ(file("full/notes"), "mine");
  EXPECT_ERROR(prepare_dataset(job("debian-text", "full/notes/below")), "cannot make the folder");
  EXPECT_ERROR(prepare_dataset(job("debian-text", "..")), "not the name of a new folder");
  EXPECT_ERROR(prepare_dataset(job("debian-txt", "out")), "data set 'debian-txt': there are debian-en-fr, ");
}

TEST_F(DebianData, ADamagedListIsNoList) {
  prepare_dataset(job("debian-en-fr", "first"));
  fs::path list;
  for (const fs::directory_entry& entry : fs::directory_iterator(archive_ / "cache/lists"))
    if (entry.path().string().find("Translation-fr") != std::string::npos) list = entry.path();
  ASSERT_FALSE(list.empty());
  const std::string content = io::read_file(list);
  std::string changed = content;
  changed[changed.find("programme")] = 'P';
  std::ofstream(list, std::ios::trunc) << changed;
  EXPECT_ERROR(prepare_dataset(job("debian-en-fr", "out")),
               list.filename().string() + " is damaged: its SHA256");
  expect_nothing("out");
  DatasetJob again = job("debian-en-fr", "out");
  again.refresh = true;
  prepare_dataset(again);
  EXPECT_EQ(file("out/train.tsv"), file("first/train.tsv"));
  // What apt itself cannot read is fetched again.
  fs::resize_file(list, content.size() / 2);
  prepare_dataset(job("debian-en-fr", "last"));
  EXPECT_EQ(file("last/train.tsv"), file("first/train.tsv"));
}

TEST_F(DebianData, AReleaseMayBeSigned) {
  prepare_dataset(job("debian-text", "first"));
  fs::path release;
  for (const fs::directory_entry& entry : fs::directory_iterator(archive_ / "cache/lists"))
    if (entry.path().string().ends_with("_Release")) release = entry.path();
  const std::string signed_text = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" +
                                  io::read_file(release) +
                                  "-----BEGIN PGP SIGNATURE-----\n\nabc=\n-----END PGP SIGNATURE-----\n";
  fs::remove(release);
  const std::string name = release.string();
  std::ofstream(name.substr(0, name.size() - std::string("Release").size()) + "InRelease") << signed_text;
  prepare_dataset(job("debian-text", "again"));
  EXPECT_EQ(file("again/train.txt"), file("first/train.txt"));
}

TEST_F(DebianData, AListNeedsItsRelease) {
  prepare_dataset(job("debian-text", "first"));
  for (const fs::directory_entry& entry : fs::directory_iterator(archive_ / "cache/lists"))
    if (entry.path().string().ends_with("_Release"))
      std::ofstream(entry.path(), std::ios::trunc)
          << "Origin: Debian\nSuite: stable\nCodename: fake\nVersion: 1.0\nComponents: main\nSHA256:\n";
  EXPECT_ERROR(prepare_dataset(job("debian-text", "out")),
               "no release file beside it that has the SHA256 of main/");
}

TEST(NewFolder, ReplacesWhatAKilledProcessLeft) {
  const test::TemporaryFolder place;
  fs::create_directory(place / "new.part");
  std::ofstream(place / "new.part/half") << "x";
  {
    NewFolder folder(place / "new");
    EXPECT_FALSE(fs::exists(place / "new.part/half"));
    EXPECT_ERROR(NewFolder(place / "new"), "another process is making it");
    folder.add("some/whole", "x");
    EXPECT_FALSE(fs::exists(place / "new"));
    folder.finish();
  }
  EXPECT_EQ(io::read_file(place / "new/some/whole"), "x");
  EXPECT_FALSE(fs::exists(place / "new.part"));
  EXPECT_FALSE(fs::exists(place / "new/.scratch"));
}

}  // namespace
}  // namespace attend::task
