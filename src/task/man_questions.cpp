#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "attend/base/error.h"
#include "data/descriptions.h"
#include "data/manual_page.h"
#include "io/gzip.h"
#include "task/dataset_content.h"

// Questions that manual pages answer.
namespace attend::task {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPackage = "manpages-dev";
constexpr std::size_t kLongestPage = std::size_t{16} << 20;
// There are few pages, so more than the usual shares are for measuring.
constexpr data::SplitShares kShares = {.valid = 0.15, .test = 0.20};

/// A page with errors that can be asked for.
struct Page {
  std::string name;
  std::vector<std::string> codes;  // each once
  std::vector<data::PageError> errors;

  std::string context() const { return fmt::format("{}: {}", name, fmt::join(codes, ", ")); }

  /// Where a code starts in the context.
  std::size_t place_of(const std::string& code) const {
    std::size_t place = name.size() + 2;
    for (const std::string& other : codes) {
      if (other == code) break;
      place += other.size() + 2;
    }
    return place;
  }
};

/// "open" of "open.2.gz"; empty when a table could not hold it.
std::string name_of_page(const fs::path& path) {
  const std::string file = path.filename().string();
  const std::string name = file.substr(0, file.find('.'));
  return std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; }) ? name : std::string();
}

/// The pages in files of sections 2 and 3, in an order that looks random. Links lead to pages that are there
/// under another name, or out of the package.
class Pages {
 public:
  explicit Pages(const fs::path& manual) {
    for (const char* section : {"man2", "man3"}) {
      if (!fs::is_directory(fs::symlink_status(manual / section))) continue;
      for (const fs::directory_entry& entry : fs::directory_iterator(manual / section))
        if (entry.symlink_status().type() == fs::file_type::regular) read(entry.path());
    }
    // Neighbours of the alphabet resemble each other.
    std::ranges::sort(pages_, {}, [](const Page& page) {
      return std::tuple(data::hash_of(page.name), page.name, page.context());
    });
  }

  const std::vector<Page>& pages() const { return pages_; }
  std::int64_t bad() const { return bad_; }

 private:
  void read(const fs::path& path) {
    std::optional<data::ManualPage> read;
    const std::string name = name_of_page(path);
    try {
      if (!name.empty()) read = data::read_manual_page(io::read_gzip_file(path, kLongestPage));
    } catch (const Error&) {
      // It is damaged, and so is no page.
    }
    if (read)
      keep({.name = name, .codes = {}, .errors = std::move(read->errors)});
    else
      ++bad_;
  }

  void keep(Page page) {
    constexpr std::size_t kShortest = 3, kFewestCodes = 4;
    std::erase_if(page.errors, [](const data::PageError& error) {
      return data::count_words(error.description) < kShortest ||
             error.description.find(error.code) != std::string::npos;
    });
    std::set<std::string> codes;
    for (const data::PageError& error : page.errors) codes.insert(error.code);
    page.codes.assign(codes.begin(), codes.end());
    if (codes.size() >= kFewestCodes) pages_.push_back(std::move(page));
  }

  std::vector<Page> pages_;
  std::int64_t bad_ = 0;
};

/// A question by its letters alone: what differs otherwise is the same question.
std::string letters_of(std::string_view question) {
  std::string letters;
  for (const char c : question) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (small >= 'a' && small <= 'z')
      letters += small;
    else if (!letters.empty() && letters.back() != ' ')
      letters += ' ';
  }
  if (letters.ends_with(' ')) letters.pop_back();
  return letters;
}

/// One part of the set as it grows.
class Part {
 public:
  /// With the questions of a page that are not among `known`.
  void add(const Page& page, const std::unordered_set<std::string>& known) {
    const std::string context = page.context();
    std::set<std::string> lines;
    for (const data::PageError& error : page.errors) {
      if (known.contains(letters_of(error.description))) continue;
      std::string line =
          fmt::format("{}\t{}\t{}\t{}\n", error.description, context, error.code, page.place_of(error.code));
      if (!lines.insert(line).second) continue;
      text_ += line;
      ++questions_;
      chance_ += 1 / static_cast<double>(page.codes.size());
    }
  }

  const std::string& text() const { return text_; }
  std::int64_t questions() const { return questions_; }
  /// How often one of a page's codes, taken at random, is right; in %.
  double chance() const { return 100 * chance_ / static_cast<double>(std::max<std::int64_t>(questions_, 1)); }

 private:
  std::string text_;
  std::int64_t questions_ = 0;
  double chance_ = 0;
};

}  // namespace

DatasetContent manual_page_questions(Apt& apt, const DatasetJob& job) {
  const fs::path files = apt.unpacked(kPackage);
  const Pages pages(files / "usr/share/man");
  data::SplitShares shares = kShares;
  shares.fold = static_cast<int>(job.fold);
  const auto part_of = [shares](const Page& page) {
    return static_cast<std::size_t>(data::split_of(page.name, shares));
  };
  std::array<Part, 3> parts;
  std::unordered_set<std::string> learnt;
  for (const Page& page : pages.pages()) {
    if (part_of(page) != 0) continue;
    parts[0].add(page, {});
    for (const data::PageError& error : page.errors) learnt.insert(letters_of(error.description));
  }
  if (parts[0].questions() == 0)
    throw Error(
        fmt::format("the package {} has no manual pages to learn from; another release of Debian may "
                    "have them",
                    kPackage));
  for (const Page& page : pages.pages())
    if (part_of(page) != 0) parts[part_of(page)].add(page, learnt);
  DatasetContent content{
      .unit = "questions",
      .origin = fmt::format("From the sections ERRORS of {} manual pages of the Debian package {}: those of "
                            "sections 2 and 3 with four codes or more.",
                            pages.pages().size(), kPackage),
      .split =
          "All of one page is in one part, one line after the other, chosen by a hash of its name: about "
          "65 % train, 15 % valid, 20 % test. Questions with the same words as one in train are left out "
          "of valid and test.",
      .baseline = fmt::format("Who takes any of the page's codes is right in {:.1f} % of train, {:.1f} % of "
                              "valid and {:.1f} % of test.",
                              parts[0].chance(), parts[1].chance(), parts[2].chance()),
      .bad_records = pages.bad()};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    content.parts[i] = parts[i].text();
    content.records[i] = parts[i].questions();
  }
  take_terms(content, apt, kPackage, files);
  return content;
}

}  // namespace attend::task
