#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/control.h"
#include "attend/data/parallel.h"

/// What Debian's lists say of packages, as text.
namespace attend::data {

/// The description of a package in one language.
struct Description {
  std::string package = {};
  std::string english_md5 = {};  ///< of the English text that it is, or is translated from
  std::string synopsis = {};     ///< one line
  std::vector<std::string> paragraphs = {};
};

/// Reads a list "Translation-LANGUAGE". Bad records: those of ControlReader, and a paragraph without Package,
/// Description-md5 or Description-LANGUAGE, or without a synopsis.
class DescriptionReader : public RecordReader<Description> {
 public:
  /// Throws Error when the file cannot be read.
  DescriptionReader(const std::filesystem::path& path, const std::string& language,
                    const ReadOptions& options = {});

  std::string place() const override { return records_.place(); }

 private:
  std::optional<Description> read() override;

  ControlReader records_;
  std::string language_;
};

/// Where a package comes from.
struct PackageOrigin {
  std::string package = {}, source = {}, section = {};
};

/// Reads a list "Packages". Bad records: those of ControlReader, and a paragraph without Package or Section.
class PackageReader : public RecordReader<PackageOrigin> {
 public:
  /// Throws Error when the file cannot be read.
  explicit PackageReader(const std::filesystem::path& path, const ReadOptions& options = {});

  std::string place() const override { return records_.place(); }

 private:
  std::optional<PackageOrigin> read() override;

  ControlReader records_;
};

/// The paragraphs of a long description, each on one line with single spaces. A line with only a '.' ends a
/// paragraph; each item of a list is a paragraph of its own.
std::vector<std::string> description_paragraphs(std::string_view text);

/// The sentences of a paragraph: they end where a space follows on '.', '!', '?' or ':' and a capital letter
/// of Western Europe, an opening quote or a parenthesis on the space.
std::vector<std::string> sentences(std::string_view paragraph);

/// What of a description is the translation of what: the synopses; paragraph by paragraph, if there are as
/// many; sentence by sentence in a paragraph, if there are as many. Only pairs that look like translations:
/// the sides differ, the source has 3 to 40 words and a word of two small letters, the target has 0.4 to 2.5
/// times its bytes, and nothing is marked as not translated yet.
std::vector<TextPair> aligned_pairs(const Description& source, const Description& target);

std::size_t count_words(std::string_view text);

}  // namespace attend::data
