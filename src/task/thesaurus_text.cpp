#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attend/base/error.h"
#include "attend/data/line_reader.h"
#include "task/dataset_content.h"
#include "task/package_files.h"

// Text of words that mean about the same, from a thesaurus in a Debian package.
namespace attend::task {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPackage = "mythes-en-us";
constexpr const char* kFile = "usr/share/mythes/th_en_US_v2.dat";
constexpr std::size_t kMostWords = 24;  // of a line

std::vector<std::string_view> split(std::string_view text, char mark) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = std::min(text.find(mark), text.size());
    parts.push_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || c == ' ' || c == '\'' || c == '-';
  });
}

/// Without the note behind it, "(similar term)"; empty where what stands there does not mean the same: the
/// opposite, and the wider class that a noun is of.
std::string_view alike(std::string_view term, bool noun) {
  const std::size_t note = term.rfind(" (");
  if (note == term.npos || !term.ends_with(')')) return term;
  const std::string_view kind = term.substr(note);
  return kind == " (antonym)" || (noun && kind == " (generic term)") ? std::string_view()
                                                                     : term.substr(0, note);
}

/// Reads the entries of a MyThes file: a word and the number of its meanings, then a line for each meaning:
/// (part of speech)|term|term (note).
class Thesaurus {
 public:
  explicit Thesaurus(const fs::path& path) : lines_(path), place_(fmt::format("{}: {}", kPackage, kFile)) {
    if (lines_.next() != "UTF-8") fail("expected the encoding UTF-8");
  }

  /// Calls use(word, words) for each meaning that other words share; all in lower case.
  template <class Use>
  void each(const Use& use) {
    while (const auto entry = lines_.next()) {
      const auto parts = split(*entry, '|');
      int meanings = 0;
      if (parts.size() != 2 ||
          std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), meanings).ec != std::errc() ||
          meanings < 1)
        fail("expected a word and the number of its meanings");
      const std::string word(parts[0]);
      for (int i = 0; i < meanings; ++i) {
        const auto meaning = lines_.next();
        if (!meaning || !meaning->starts_with('(')) fail(fmt::format("expected {} meanings", meanings));
        const std::vector<std::string> words = words_of(word, *meaning);
        if (words.size() > 1) use(word, words);
      }
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(fmt::format("{}, line {}: {}", place_, lines_.line(), what));
  }

  static std::vector<std::string> words_of(const std::string& word, std::string_view meaning) {
    const auto terms = split(meaning, '|');
    std::vector<std::string> words;
    const auto add = [&](std::string_view term) {
      if (is_word(term) && std::ranges::find(words, term) == words.end()) words.emplace_back(term);
    };
    add(word);
    if (words.empty()) return {};
    for (std::size_t i = 1; i < terms.size(); ++i) add(alike(terms[i], terms[0] == "(noun)"));
    return words;
  }

  data::LineReader lines_;
  std::string place_;
};

}  // namespace

DatasetContent thesaurus_text(Apt& apt, const DatasetJob& job) {
  const fs::path files = apt.unpacked(kPackage);
  std::array<std::vector<std::pair<std::uint64_t, std::string>>, kSplitNames.size()> lines;
  Thesaurus thesaurus(package_file(files, kPackage, kFile));
  thesaurus.each([&](const std::string& word, const std::vector<std::string>& words) {
    auto& part = lines[static_cast<std::size_t>(data::split_of(word, {.fold = static_cast<int>(job.fold)}))];
    for (std::size_t first = 0; first < words.size(); first += kMostWords) {
      const auto begin = words.begin() + static_cast<std::ptrdiff_t>(first);
      std::string line = fmt::format(
          "{}",
          fmt::join(begin, begin + static_cast<std::ptrdiff_t>(std::min(kMostWords, words.size() - first)),
                    " , "));
      const std::uint64_t hash = data::hash_of(line);
      part.emplace_back(hash, std::move(line));
    }
  });
  DatasetContent content{
      .unit = "lines",
      .extension = ".txt",
      .origin =
          fmt::format("The file {} of the Debian package {}: a thesaurus made of WordNet.", kFile, kPackage),
      .split =
          "A word with all its meanings is in one part, chosen by a hash of it: about 85 % train, 5 % "
          "valid, 10 % test. The lines of a part are in the order of their hashes, so that those beside "
          "each other have nothing to do with each other."};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::ranges::sort(lines[i]);
    for (const auto& [hash, line] : lines[i]) content.parts[i] += line + "\n";
    content.records[i] = static_cast<std::int64_t>(lines[i].size());
  }
  take_terms(content, apt, kPackage, files);
  return content;
}

}  // namespace attend::task
