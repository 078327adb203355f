#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// Pairs of texts: what tasks that learn from two sides share.
namespace attend::task {

/// Where pairs of texts are: one file *.tsv, *.tab or *.csv with a column of sources and one of targets, or
/// two files, whose lines belong together.
struct PairFiles {
  std::vector<std::filesystem::path> paths;
  /// The two columns by name, when a table has a header; empty: it has none, and two columns.
  std::vector<std::string> columns = {};
  bool skip_bad = false;  ///< bad records are counted and left out; otherwise the first one is an Error

  bool empty() const { return paths.empty(); }
};

/// What a model was trained on.
struct PairFacts {
  std::vector<std::string> paths;
  std::vector<std::string> validation_paths;  ///< empty: the last pairs of `paths`
  std::uint64_t checksum = 0;
  std::int64_t pairs = 0, validation_pairs = 0;
  std::int64_t source_tokens = 0, target_tokens = 0;  ///< of all pairs, ends included
  std::int64_t skipped = 0;                           ///< bad records
  /// Pairs with a side beyond the context: left out by tasks that write the target, cut by those that only
  /// read.
  std::int64_t too_long = 0;
};

/// All pairs of some files.
struct TextPairs {
  std::vector<std::string> sources, targets;
  std::int64_t skipped = 0;  ///< bad records
};
/// Throws Error for bad records, as the readers do, and when there is no pair.
TextPairs read_pairs(const PairFiles& files);

}  // namespace attend::task
