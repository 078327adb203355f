#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attend/data/parallel.h"
#include "attend/data/sequence_file.h"
#include "attend/task/pairs.h"

namespace attend::task {

/// Pairs of a training as tokens in a mapped file (training/pairs.bin). The files are read twice, record by
/// record: the first time to find out that they are good and to learn tokenizers from samples, the second
/// time to write the tokens.
class PairTokens {
 public:
  /// Both sides of a pair as tokens.
  struct Encoded {
    std::vector<std::int32_t> source, target;
    bool too_long = false;  ///< counted in PairFacts::too_long
    bool left_out = false;
  };
  using Encode = std::function<Encoded(const data::TextPair&)>;

  /// Reads the pairs of a training that writes to `out`. With `begun` (the facts of the training that is
  /// resumed) the pairs must be those that it began with; with no files named, the tokens kept in the folder
  /// are used. Throws Error for bad pairs, too few of them, or other pairs.
  PairTokens(const PairFiles& data, const PairFiles& valid, const std::filesystem::path& out,
             const PairFacts* begun);

  /// Samples of the first reading; empty when the tokens in the folder are used.
  std::string source_sample() const { return source_sample_; }
  std::string target_sample() const { return target_sample_; }

  /// Whether a pair to learn from (first) and one to hold out (second) is kept, which `keeps` tells; mostly
  /// the first of each is one.
  std::pair<bool, bool> any_kept(const std::function<bool(const data::TextPair&)>& keeps) const;

  /// Writes the tokens, unless the folder has them, and opens them.
  void save(const Encode& encode, std::int64_t vocabulary);

  /// Counts of tokens and pairs after save().
  const PairFacts& facts() const { return facts_; }

  /// After save(): a side (0: source, 1: target) of a pair; those held out come behind those to learn from.
  std::vector<std::int32_t> ids(std::int64_t pair, std::int64_t side) const { return file_->ids(pair, side); }
  std::int64_t length(std::int64_t pair, std::int64_t side) const { return file_->length(pair, side); }

 private:
  void scan(const PairFacts* begun);
  bool keeps_tokens() const;
  void write_tokens(const Encode& encode, std::int64_t vocabulary);

  PairFiles data_, valid_;
  std::filesystem::path out_, kept_;
  std::int64_t scanned_ = 0,
               held_out_ = 0;  // pairs of data_; of them the last, when there are no files for it
  std::string source_sample_, target_sample_;
  PairFacts facts_;
  std::optional<data::SequenceFile> file_;
};

}  // namespace attend::task
