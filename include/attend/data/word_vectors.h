#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attend/data/line_reader.h"
#include "attend/data/records.h"

namespace attend::data {

/// A word and the numbers that stand for it.
struct WordVector {
  std::string word;
  std::vector<float> values;
};

/// Vectors of words from a file in one of three formats, told apart by themselves:
///
///   word2vec text    a line "COUNT DIM", then a line "WORD X X X ..." for each word (Mikolov et al. 2013)
///   word2vec binary  a line "COUNT DIM", then for each word "WORD ", DIM little-endian floats, and a line
///                    break, which may be missing
///   GloVe            as word2vec text, without the first line; a word may have spaces (Pennington et al.
///                    2014)
///
/// Bad records: a line with another number of numbers than the file's, a number that is none or not finite,
/// an empty word or one that is not UTF-8, a bad line (LineReader). A file that ends before COUNT words, or
/// goes on behind them, is an Error whatever the options say.
class WordVectorReader : public RecordReader<WordVector> {
 public:
  /// The file must be a regular one. Throws Error naming the path when it cannot be read, is empty, or when
  /// its first line is neither of the two.
  explicit WordVectorReader(const std::filesystem::path& path, const ReadOptions& options = {});
  ~WordVectorReader() override;

  /// The numbers of each vector, at least 1.
  std::int64_t dim() const { return dim_; }
  bool is_binary() const { return binary_ != nullptr; }

  std::string place() const override;

 private:
  class Binary;
  std::optional<WordVector> read() override;
  std::optional<WordVector> read_line();
  WordVector parsed(std::string_view line) const;

  LineReader lines_;
  std::string first_;  // a line that was read ahead
  bool has_first_ = false;
  std::optional<std::int64_t> count_;  // as the file says
  std::int64_t dim_ = 0, words_ = 0;
  std::unique_ptr<Binary> binary_;
};

}  // namespace attend::data
