#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/label_set.h"
#include "attend/data/labelled_text.h"
#include "attend/data/sequences.h"
#include "attend/data/tokenizer.h"

namespace attend::task {

/// All texts of a file, one after the other in memory, with their labels as numbers.
class RawTexts {
 public:
  /// Reads the file. With `known` sets, a label that is not in them is a bad record; labels get the numbers
  /// of their classes there. Without, they are numbered as they come. Throws Error as the reader does, for a
  /// column with more than LabelSet::kMost labels, and when there is no text.
  RawTexts(const std::filesystem::path& path, const data::LabelledTextOptions& options,
           const std::vector<data::LabelSet>& known = {});

  std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()); }
  std::string_view operator[](std::int64_t i) const;
  /// The first `count` texts with line breaks in between.
  std::string_view joined(std::int64_t count) const;

  /// labels()[column][text].
  const std::vector<std::vector<std::int64_t>>& labels() const { return labels_; }
  /// The labels of the first `count` texts, as the classes of a column are made of them.
  std::vector<data::LabelSet> label_sets(std::int64_t count) const;
  /// Gives labels the numbers of their classes. Throws Error for a label that a set lacks.
  void renumber(const std::vector<data::LabelSet>& sets);

  const data::SkippedRecords& skipped() const { return skipped_; }
  /// Of texts and labels.
  std::uint64_t checksum() const;

 private:
  std::string path_, all_;
  std::vector<std::size_t> ends_;
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> names_;  // of the numbers in labels_
  std::vector<std::vector<std::int64_t>> labels_;
  data::SkippedRecords skipped_;
};

/// Texts as a classifier reads them, with their classes.
struct LabelledSequences {
  data::TokenSequences texts;
  std::vector<std::vector<std::int64_t>> labels;  ///< [question][text]
  std::int64_t cut = 0;                           ///< texts that are longer than the context
};

/// The texts [begin, end).
LabelledSequences encoded(const RawTexts& raw, std::int64_t begin, std::int64_t end,
                          const data::Tokenizer& tokenizer, std::int64_t context);

}  // namespace attend::task
