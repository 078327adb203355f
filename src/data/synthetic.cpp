#include "attend/data/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "attend/base/error.h"

namespace attend::data {

namespace {

std::int32_t below(Generator& random, std::int64_t bound) {
  return static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(bound)));
}

void shuffle(std::vector<std::int32_t>& items, Generator& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

constexpr std::int32_t kOperations = 4, kFirstOperation = 10, kEnd = 14, kBlank = 15, kLast = 16;

std::int32_t evaluate(std::int32_t operation, std::vector<std::int32_t> digits) {
  std::sort(digits.begin(), digits.end());
  switch (operation) {
    case 0:
      return digits.front();
    case 1:
      return digits.back();
    case 2:
      return digits[(digits.size() - 1) / 2];
    default:
      return std::accumulate(digits.begin(), digits.end(), 0) % 10;
  }
}

// Appends a list and returns its digit.
std::int32_t random_list(const NestedListsOptions& options, std::int64_t depth, Generator& random,
                         std::vector<std::int32_t>& tokens) {
  const std::int32_t operation = below(random, kOperations);
  tokens.push_back(kFirstOperation + operation);
  std::vector<std::int32_t> digits;
  for (std::int64_t left = 2 + below(random, options.arguments - 1); left > 0; --left) {
    if (depth > 1 && below(random, 3) == 0) {
      digits.push_back(random_list(options, depth - 1, random, tokens));
    } else {
      digits.push_back(below(random, 10));
      tokens.push_back(digits.back());
    }
  }
  tokens.push_back(kEnd);
  return evaluate(operation, digits);
}

}  // namespace

SyntheticBatch synthetic_batch(const SyntheticTask& task, std::int64_t rows, Generator& random) {
  const Shape shape = {rows, task.length};
  const SyntheticBatch batch = {Tensor::zeros(shape, DType::i32), Tensor::full(shape, kNoTarget, DType::i32)};
  const auto length = static_cast<std::size_t>(task.length);
  for (std::int64_t row = 0; row < rows; ++row)
    task.row(random, {batch.tokens.data<std::int32_t>() + row * task.length, length},
             {batch.targets.data<std::int32_t>() + row * task.length, length});
  return batch;
}

SyntheticTask associative_recall(const AssociativeRecallOptions& options) {
  if (options.pairs < 1 || options.values < 1 || options.keys < options.pairs)
    throw Error(fmt::format(
        "associative recall of {} pairs from {} keys and {} values: sizes from 1, as many keys as pairs",
        options.pairs, options.keys, options.values));
  return {
      .name = "recall",
      .about = "pairs of a key and its value, then the keys: what was the value of each?",
      .length = 3 * options.pairs,
      .vocabulary = options.keys + options.values,
      .classes = options.values,
      .row = [options](Generator& random, std::span<std::int32_t> tokens, std::span<std::int32_t> targets) {
        const auto pairs = static_cast<std::size_t>(options.pairs);
        std::vector<std::int32_t> keys(static_cast<std::size_t>(options.keys)), order(pairs);
        std::iota(keys.begin(), keys.end(), 0);
        std::iota(order.begin(), order.end(), 0);
        shuffle(keys, random);
        shuffle(order, random);
        std::vector<std::int32_t> values(pairs);
        for (std::size_t i = 0; i < pairs; ++i) {
          values[i] = below(random, options.values);
          tokens[2 * i] = keys[i];
          tokens[2 * i + 1] = static_cast<std::int32_t>(options.keys) + values[i];
        }
        for (std::size_t i = 0; i < pairs; ++i) {
          const auto asked = static_cast<std::size_t>(order[i]);
          tokens[2 * pairs + i] = keys[asked];
          targets[2 * pairs + i] = values[asked];
        }
      }};
}

SyntheticTask long_copy(const LongCopyOptions& options) {
  if (options.symbols < 1 || options.count < 1 || options.gap < 0)
    throw Error(fmt::format("copying {} of {} symbols over a gap of {}: sizes from 1, gap from 0",
                            options.count, options.symbols, options.gap));
  return {
      .name = "copy",
      .about = "symbols, a gap of blanks, marks: which symbol stood at the place of each mark?",
      .length = 2 * options.count + options.gap,
      .vocabulary = options.symbols + 2,
      .classes = options.symbols,
      .row = [options](Generator& random, std::span<std::int32_t> tokens, std::span<std::int32_t> targets) {
        const auto blank = static_cast<std::int32_t>(options.symbols);
        const auto count = static_cast<std::size_t>(options.count), answers = tokens.size() - count;
        std::fill(tokens.begin(), tokens.end(), blank);
        for (std::size_t i = 0; i < count; ++i) {
          tokens[i] = targets[answers + i] = below(random, options.symbols);
          tokens[answers + i] = blank + 1;
        }
      }};
}

SyntheticTask nested_lists(const NestedListsOptions& options) {
  if (options.length < 8 || options.depth < 1 || options.arguments < 2)
    throw Error(fmt::format("nested lists of length {}, depth {} and {} arguments: from 8, 1 and 2",
                            options.length, options.depth, options.arguments));
  return {
      .name = "lists",
      .about = "lists in lists with their smallest, largest, median or sum: which digit is it?",
      .length = options.length,
      .vocabulary = kLast + 1,
      .classes = 10,
      .row = [options](Generator& random, std::span<std::int32_t> tokens, std::span<std::int32_t> targets) {
        std::vector<std::int32_t> list;
        do {
          list.clear();
          targets.back() = random_list(options, options.depth, random, list);
        } while (list.size() >= tokens.size());
        std::fill(tokens.begin(), tokens.end(), kBlank);
        std::copy(list.begin(), list.end(), tokens.end() - 1 - static_cast<std::ptrdiff_t>(list.size()));
        tokens.back() = kLast;
      }};
}

}  // namespace attend::data
