#pragma once

#include <cstdint>
#include <string_view>

namespace attend::data {

/// The parts of a data set: to learn from, to choose by, to measure on once.
enum class Split : std::uint8_t { train, valid, test };

struct SplitShares {
  double valid = 0.05, test = 0.10;  ///< shares of the groups; the rest is for training
  /// For cross-validation: each group is in `test` for exactly one of the folds 0, 1 ... 1 / test - 1.
  int fold = 0;
};

/// The part that a group of records belongs to (a document, a source package), from its name alone: nothing
/// moves when other groups come or go, and every data set puts a name into the same part. With a larger share
/// a part keeps the groups that it had.
///
/// The name's FNV-1a hash (64 bits), mixed by the finaliser of SplitMix64 (Steele et al. 2014), is taken as a
/// number in [0, 1), less `shares.fold * shares.test`, modulo 1: below `shares.test` is test, from
/// 1 - `shares.valid` on is valid.
Split split_of(std::string_view group, const SplitShares& shares = {});

/// That hash.
std::uint64_t hash_of(std::string_view text);

}  // namespace attend::data
