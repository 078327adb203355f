#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "attend/base/error.h"
#include "data/descriptions.h"
#include "task/dataset_content.h"

// Data sets made of what Debian's lists say of packages.
namespace attend::task {
namespace {

using data::Description;

constexpr data::ReadOptions kSkipBad = {.bad_records = data::BadRecords::kSkip};

constexpr const char* kTerms =
    "A description is part of its package and under the package's terms, which "
    "https://metadata.ftp-master.debian.org/changelogs/ and the installed package's "
    "/usr/share/doc/NAME/copyright "
    "tell; all are of Debian's area main, so they meet the Debian Free Software Guidelines. Translations are "
    "by "
    "the Debian Description Translation Project. The lists state no terms of their own.";

constexpr const char* kSplit =
    "All of one source package is in one part, chosen by a hash of its name: about 85 % train, 5 % valid, "
    "10 % test; every set made from the lists puts a source package into the same part. No source text is "
    "there twice. Packages that the archive does not have for this machine's architecture are left out.";

struct Origin {
  std::string source, section;
};

/// The archive's packages and their English descriptions.
class Descriptions {
 public:
  Descriptions(Apt& apt, std::vector<std::string> languages) : apt_(apt), lists_(apt.lists(languages)) {
    data::PackageReader packages(apt.decompressed(lists_.packages), kSkipBad);
    while (auto package = packages.next())
      origins_.try_emplace(package->package, Origin{package->source, package->section});
    bad_records_ += packages.skipped().count;
  }

  /// Calls use(description, origin) for every one in this language.
  template <class Use>
  void each(const std::string& language, const Use& use) {
    data::DescriptionReader reader(apt_.decompressed(lists_.translations.at(language)), language, kSkipBad);
    while (const auto description = reader.next()) {
      const auto origin = origins_.find(description->package);
      if (origin != origins_.end()) use(*description, origin->second);
    }
    bad_records_ += reader.skipped().count;
  }

  const AptLists& lists() const { return lists_; }
  std::int64_t bad_records() const { return bad_records_; }

 private:
  Apt& apt_;
  AptLists lists_;
  std::unordered_map<std::string, Origin> origins_;
  std::int64_t bad_records_ = 0;
};

/// Collects records, each under its source package, and puts them into parts.
class Collector {
 public:
  explicit Collector(const DatasetJob& job) : shares_{.fold = static_cast<int>(job.fold)} {}

  /// Whether `text` is new; a text is only ever taken once.
  bool is_new(const std::string& text) { return seen_.insert(data::hash_of(text)).second; }

  void add(const std::string& source, std::string record) {
    // Neighbours of the list would otherwise come in one batch.
    const std::uint64_t order = data::hash_of(source + '\n' + record);
    lines_[static_cast<std::size_t>(data::split_of(source, shares_))].emplace_back(order, std::move(record));
  }

  DatasetContent content(const Descriptions& descriptions, std::string unit, const std::string& header = "") {
    DatasetContent content{
        .unit = std::move(unit),
        .origin = fmt::format("From the lists of packages of {}.", descriptions.lists().release),
        .split = kSplit,
        .terms = kTerms,
        .bad_records = descriptions.bad_records()};
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      std::ranges::sort(lines_[i]);
      content.records[i] = static_cast<std::int64_t>(lines_[i].size());
      content.parts[i] = header;
      for (const auto& [order, line] : lines_[i]) content.parts[i] += line + '\n';
    }
    if (content.records[0] == 0)
      throw Error(fmt::format("the lists of {} have nothing to learn from", descriptions.lists().release));
    return content;
  }

 private:
  data::SplitShares shares_;
  std::unordered_set<std::uint64_t> seen_;
  std::array<std::vector<std::pair<std::uint64_t, std::string>>, 3> lines_;
};

std::string joined(const std::vector<std::string>& paragraphs) {
  return fmt::format("{}", fmt::join(paragraphs, " "));
}

/// Long descriptions and synopses that say something: neither is there twice.
template <class Use>
void each_summary(Descriptions& descriptions, Collector& collector, const Use& use) {
  constexpr std::size_t kShortestText = 12, kLongestText = 400, kShortestSynopsis = 3;
  descriptions.each("en", [&](const Description& description, const Origin& origin) {
    const std::string text = joined(description.paragraphs);
    const std::size_t words = data::count_words(text);
    if (words < kShortestText || words > kLongestText ||
        data::count_words(description.synopsis) < kShortestSynopsis)
      return;
    // Packages that only point to others describe those.
    if (origin.section == "oldlibs" || origin.section == "metapackages") return;
    const bool new_text = collector.is_new(text), new_synopsis = collector.is_new(description.synopsis);
    if (new_text && new_synopsis) use(origin.source, text, description.synopsis);
  });
}

bool has_topic(const std::string& section) {
  static const std::set<std::string, std::less<>> topics = {
      "admin", "database", "electronics", "games", "graphics", "mail", "math",
      "net",   "science",  "sound",       "text",  "video",    "web",  "x11"};
  return topics.contains(section);
}

}  // namespace

DatasetContent translation_pairs(Apt& apt, const std::string& language, const DatasetJob& job) {
  Descriptions descriptions(apt, {"en", language});
  std::unordered_map<std::string, Description> english;
  descriptions.each("en", [&](const Description& description, const Origin&) {
    english.try_emplace(description.package + '\n' + description.english_md5, description);
  });
  Collector collector(job);
  descriptions.each(language, [&](const Description& description, const Origin& origin) {
    const auto found = english.find(description.package + '\n' + description.english_md5);
    if (found == english.end()) return;
    for (const data::TextPair& pair : data::aligned_pairs(found->second, description))
      if (collector.is_new(pair.source)) collector.add(origin.source, pair.source + '\t' + pair.target);
  });
  return collector.content(descriptions, "pairs");
}

DatasetContent summary_pairs(Apt& apt, const DatasetJob& job) {
  Descriptions descriptions(apt, {"en"});
  Collector collector(job);
  each_summary(descriptions, collector,
               [&](const std::string& source, const std::string& text, const std::string& synopsis) {
                 collector.add(source, text + '\t' + synopsis);
               });
  return collector.content(descriptions, "pairs");
}

DatasetContent search_pairs(Apt& apt, const DatasetJob& job) {
  Descriptions descriptions(apt, {"en"});
  Collector collector(job);
  each_summary(descriptions, collector,
               [&](const std::string& source, const std::string& text, const std::string& synopsis) {
                 collector.add(source, synopsis + '\t' + text);
               });
  return collector.content(descriptions, "pairs");
}

DatasetContent section_table(Apt& apt, const DatasetJob& job) {
  Descriptions descriptions(apt, {"en"});
  Collector collector(job);
  descriptions.each("en", [&](const Description& description, const Origin& origin) {
    if (!has_topic(origin.section)) return;
    const std::string text = description.synopsis + ". " + joined(description.paragraphs);
    if (collector.is_new(text)) collector.add(origin.source, text + '\t' + origin.section);
  });
  return collector.content(descriptions, "texts", "text\tlabel\n");
}

DatasetContent description_text(Apt& apt, const DatasetJob& job) {
  Descriptions descriptions(apt, {"en"});
  Collector collector(job);
  descriptions.each("en", [&](const Description& description, const Origin& origin) {
    std::string text;
    if (collector.is_new(description.synopsis)) text += description.synopsis + '\n';
    for (const std::string& paragraph : description.paragraphs)
      if (collector.is_new(paragraph)) text += paragraph + '\n';
    if (!text.empty()) collector.add(origin.source, text);
  });
  DatasetContent content = collector.content(descriptions, "packages");
  content.extension = ".txt";
  return content;
}

}  // namespace attend::task
