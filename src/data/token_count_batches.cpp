#include "attend/data/token_count_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "attend/base/error.h"
#include "attend/base/random.h"

namespace attend::data {
namespace {

constexpr std::size_t kMostRecords = std::size_t{1} << 32;

/// Every order equally likely (Fisher and Yates).
void shuffle_part(std::span<std::uint32_t> part, Generator& random) {
  for (std::size_t left = part.size(); left > 1; --left)
    std::swap(part[left - 1], part[static_cast<std::size_t>(random.below(left))]);
}

}  // namespace

TokenCountBatches::TokenCountBatches(std::vector<std::int32_t> lengths, std::int64_t tokens,
                                     std::uint64_t seed)
    : lengths_(std::move(lengths)), seed_(seed) {
  if (lengths_.empty()) throw Error("no records to make batches of");
  if (lengths_.size() >= kMostRecords)
    throw Error(fmt::format("{} records, fewer than {} accepted", lengths_.size(), kMostRecords));
  if (tokens < 1) throw Error(fmt::format("tokens of a batch: {} given, 1 or more accepted", tokens));
  if (*std::ranges::min_element(lengths_) < 0) throw Error("a record has a length below 0");
  sorted_.resize(lengths_.size());
  std::iota(sorted_.begin(), sorted_.end(), 0u);
  std::ranges::stable_sort(sorted_, {}, [this](std::uint32_t record) { return lengths_[record]; });
  std::int64_t begin = 0;
  bounds_.push_back(begin);
  const auto count = static_cast<std::int64_t>(sorted_.size());
  for (std::int64_t end = 1; end <= count; ++end) {
    // Of records in order of length, the next one would be the longest of the batch.
    const bool full =
        end == count || (end - begin + 1) * lengths_[sorted_[static_cast<std::size_t>(end)]] > tokens;
    if (!full) continue;
    bounds_.push_back(end);
    begin = end;
  }
}

void TokenCountBatches::shuffle(std::int64_t pass) {
  if (pass == pass_) return;
  // Streams of a pass: 2^32 for its records and its batches.
  Generator random(seed_, static_cast<std::uint64_t>(pass) << 33);
  shuffled_ = sorted_;
  for (std::size_t begin = 0; begin < shuffled_.size();) {
    const std::int32_t length = lengths_[shuffled_[begin]];
    std::size_t end = begin;
    while (end < shuffled_.size() && lengths_[shuffled_[end]] == length) ++end;
    shuffle_part(std::span(shuffled_).subspan(begin, end - begin), random);
    begin = end;
  }
  order_.resize(static_cast<std::size_t>(batches()));
  std::iota(order_.begin(), order_.end(), 0u);
  shuffle_part(order_, random);
  pass_ = pass;
}

std::vector<std::int64_t> TokenCountBatches::batch(std::int64_t index) {
  if (index < 0) throw Error(fmt::format("batch {} was asked for", index));
  shuffle(index / batches());
  const std::size_t chosen = order_[static_cast<std::size_t>(index % batches())];
  return {shuffled_.begin() + bounds_[chosen], shuffled_.begin() + bounds_[chosen + 1]};
}

std::vector<std::int64_t> TokenCountBatches::in_order(std::int64_t index) const {
  if (index < 0 || index >= batches())
    throw Error(fmt::format("batch {} was asked for; there are {}", index, batches()));
  const auto at = static_cast<std::size_t>(index);
  return {sorted_.begin() + bounds_[at], sorted_.begin() + bounds_[at + 1]};
}

}  // namespace attend::data
