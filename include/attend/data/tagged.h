#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/line_reader.h"
#include "attend/data/records.h"

namespace attend::data {

/// The words of a sentence, each with its tag.
struct TaggedSentence {
  std::vector<std::string> words, tags;
};

struct TaggedOptions {
  /// Columns from 1, or from the last backwards: -1 is the last.
  int word_column = 1;
  int tag_column = -1;
  /// Columns are separated by single tabs instead of any white space, so that a word may have spaces.
  bool tabs = false;
  /// The first column counts the words of a sentence as in CoNLL-U. Then lines that start with '#' are
  /// comments, and ranges ("1-2", words written together) and empty nodes ("1.1") are passed over.
  bool numbered = false;
  ReadOptions read = {};
};

/// CoNLL-U (Universal Dependencies): universal part-of-speech tags; 5 is the language's own tag.
TaggedOptions conllu_options(int tag_column = 4);

/// The numbered IOB2 files of Universal NER: number, word, tag and two columns about the annotation.
TaggedOptions numbered_iob2_options();

/// Tagged sentences in columns: one word a line, an empty line after each sentence. What the defaults read is
/// the format of the CoNLL shared tasks of 2000 to 2003, whose "-DOCSTART-" lines are passed over.
///
/// Bad records, each a whole sentence: a line with another number of columns than the file's first, numbers
/// that do not count up, an empty word or tag, a bad line (LineReader), a sentence longer than the limit.
class TaggedReader : public RecordReader<TaggedSentence> {
 public:
  /// Throws Error when the file cannot be read. A column that the file lacks is an Error of next().
  explicit TaggedReader(const std::filesystem::path& path, const TaggedOptions& options = {});

  std::string place() const override;

 private:
  std::optional<TaggedSentence> read() override;
  void take_word(std::string_view line, TaggedSentence& sentence);
  void check_columns();
  std::size_t column(int number) const;
  bool is_next_word(std::size_t next) const;
  void pass_sentence();

  LineReader lines_;
  TaggedOptions options_;
  std::size_t word_ = 0, tag_ = 0;  // columns from 0
  std::size_t width_ = 0;           // columns of the file; 0 before the first line
  std::int64_t width_line_ = 0;
  std::int64_t sentence_line_ = 0;
  std::vector<std::string_view> columns_;
};

}  // namespace attend::data
