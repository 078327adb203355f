#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "attend/base/random.h"
#include "attend/tensor/tensor.h"

/// Small problems made of random numbers, on which mechanisms of attention are compared. Each is a sequence
/// of tokens at some places of which a class is asked for.
namespace attend::data {

/// The target of places where nothing is asked.
inline constexpr std::int32_t kNoTarget = -1;

struct SyntheticTask {
  std::string name;
  std::string about;  ///< one sentence
  std::int64_t length = 0, vocabulary = 0, classes = 0;
  /// Fills one row, `length` tokens and targets; every target stands at kNoTarget before.
  std::function<void(Generator& random, std::span<std::int32_t> tokens, std::span<std::int32_t> targets)> row;
};

struct SyntheticBatch {
  Tensor tokens;   ///< i32 [rows, length], in [0, vocabulary)
  Tensor targets;  ///< i32 [rows, length], in [0, classes) or kNoTarget
};

/// Rows drawn one after the other.
SyntheticBatch synthetic_batch(const SyntheticTask& task, std::int64_t rows, Generator& random);

struct AssociativeRecallOptions {
  std::int64_t pairs = 4, keys = 8, values = 8;
};
/// Pairs of a key and its value, all keys different, then the keys again in another order; the class at each
/// of these is its value (after Ba et al., "Using Fast Weights to Attend to the Recent Past", 2016). Tokens:
/// keys, then values. Throws Error for sizes below 1 or more pairs than keys.
SyntheticTask associative_recall(const AssociativeRecallOptions& options = {});

struct LongCopyOptions {
  std::int64_t symbols = 8;  ///< different ones
  std::int64_t count = 8;    ///< of symbols to copy
  std::int64_t gap = 32;     ///< blanks in between
};
/// Random symbols, a gap of blanks, and as many marks; the class at each mark is the symbol at the same place
/// of the first ones (after Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997). Tokens: symbols,
/// blank, mark. Throws Error for sizes below 1 (gap: below 0).
SyntheticTask long_copy(const LongCopyOptions& options = {});

struct NestedListsOptions {
  std::int64_t length = 48;    ///< of the sequence
  std::int64_t depth = 3;      ///< of lists in lists
  std::int64_t arguments = 4;  ///< most in one list; at least 2
};
/// A list of digits and lists, with the operation that makes one digit of it: the smallest, the largest, the
/// median (the lower of two) or the sum modulo 10. Blanks, the expression, and a last token at which its
/// digit is the class (after Nangia and Bowman, "ListOps", 2018). Tokens: 0 to 9 digits, 10 to 13 the start
/// of a list with its operation in the order above, 14 its end, 15 blank, 16 the last one. Throws Error for a
/// length below 8, a depth below 1 or fewer than 2 arguments.
SyntheticTask nested_lists(const NestedListsOptions& options = {});

}  // namespace attend::data
