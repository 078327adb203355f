#include "attend/data/sequences.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "attend/base/error.h"
#include "attend/base/random.h"

namespace attend::data {

void TokenSequences::add(std::span<const std::int32_t> ids) {
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  ends_.push_back(tokens());
}

std::span<const std::int32_t> TokenSequences::operator[](std::int64_t i) const {
  if (i < 0 || i >= size()) throw Error(fmt::format("sequence {} of {}", i, size()));
  const auto at = static_cast<std::size_t>(i);
  const std::int64_t begin = at == 0 ? 0 : ends_[at - 1];
  return std::span<const std::int32_t>(ids_).subspan(static_cast<std::size_t>(begin),
                                                     static_cast<std::size_t>(ends_[at] - begin));
}

std::vector<std::int64_t> TokenSequences::lengths() const {
  std::vector<std::int64_t> result(ends_.size());
  std::adjacent_difference(ends_.begin(), ends_.end(), result.begin());
  return result;
}

PaddedBatch padded_batch(const TokenSequences& sequences, std::span<const std::int64_t> rows,
                         std::int32_t padding) {
  PaddedBatch batch;
  batch.rows = static_cast<std::int64_t>(rows.size());
  for (const std::int64_t row : rows) {
    batch.lengths.push_back(static_cast<std::int32_t>(sequences[row].size()));
    batch.length = std::max<std::int64_t>(batch.length, batch.lengths.back());
  }
  if (batch.length == 0) throw Error(fmt::format("a batch of {} sequences without a token", batch.rows));
  batch.tokens.assign(static_cast<std::size_t>(batch.rows * batch.length), padding);
  for (std::int64_t r = 0; r < batch.rows; ++r)
    std::ranges::copy(sequences[rows[static_cast<std::size_t>(r)]],
                      batch.tokens.begin() + static_cast<std::ptrdiff_t>(r * batch.length));
  return batch;
}

namespace {

/// Fisher and Yates: element i changes places with one of those before it, or itself.
void shuffle(std::vector<std::int64_t>& values, const RandomStream& stream) {
  for (std::size_t i = values.size(); i > 1; --i) {
    const auto words = stream.words(i);
    const std::uint64_t word = (static_cast<std::uint64_t>(words[1]) << 32) | words[0];
    const auto other = static_cast<std::size_t>((static_cast<unsigned __int128>(word) * i) >> 64);
    std::swap(values[i - 1], values[other]);
  }
}

void check_size(const char* name, std::int64_t value) {
  if (value < 1 || value > 1 << 20)
    throw Error(fmt::format("{} {}: 1 to {} is accepted", name, value, 1 << 20));
}

}  // namespace

LengthBatches::LengthBatches(std::vector<std::int64_t> lengths, const LengthBatchOptions& options,
                             std::uint64_t seed)
    : lengths_(std::move(lengths)), options_(options), seed_(seed) {
  check_size("batch", options.batch);
  check_size("group", options.group);
  if (lengths_.empty()) throw Error("batches of no sequences: at least one is needed");
}

std::int64_t LengthBatches::per_epoch() const {
  return (static_cast<std::int64_t>(lengths_.size()) + options_.batch - 1) / options_.batch;
}

void LengthBatches::lay_out(std::int64_t epoch) {
  const auto stream = static_cast<std::uint64_t>(epoch);
  order_.resize(lengths_.size());
  std::iota(order_.begin(), order_.end(), 0);
  shuffle(order_, {.seed = seed_, .stream = 2 * stream});
  const auto count = static_cast<std::int64_t>(order_.size()), group = options_.batch * options_.group;
  for (std::int64_t begin = 0; begin < count; begin += group)
    std::stable_sort(order_.begin() + begin, order_.begin() + std::min(count, begin + group),
                     [&](std::int64_t a, std::int64_t b) {
                       return lengths_[static_cast<std::size_t>(a)] < lengths_[static_cast<std::size_t>(b)];
                     });
  starts_.resize(static_cast<std::size_t>(per_epoch()));
  for (std::size_t i = 0; i < starts_.size(); ++i) starts_[i] = static_cast<std::int64_t>(i) * options_.batch;
  shuffle(starts_, {.seed = seed_, .stream = 2 * stream + 1});
  epoch_ = epoch;
}

std::span<const std::int64_t> LengthBatches::batch(std::int64_t index) {
  if (index < 0) throw Error(fmt::format("batch {}: 0 or more is accepted", index));
  if (index / per_epoch() != epoch_) lay_out(index / per_epoch());
  const std::int64_t begin = starts_[static_cast<std::size_t>(index % per_epoch())];
  const auto count = std::min(options_.batch, static_cast<std::int64_t>(order_.size()) - begin);
  return std::span<const std::int64_t>(order_).subspan(static_cast<std::size_t>(begin),
                                                       static_cast<std::size_t>(count));
}

}  // namespace attend::data
