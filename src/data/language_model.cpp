#include "attend/data/language_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/base/error.h"
#include "attend/base/random.h"

namespace attend::data {
namespace {

// Keeps the streams of batches apart from those that models number from 0.
constexpr std::uint64_t kFirstStream = std::uint64_t{0xba7c} << 48;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 31;

void check_options(const WindowOptions& options) {
  if (options.batch < 1) throw Error(fmt::format("batch: {} given, 1 or more accepted", options.batch));
  if (options.context < 1) throw Error(fmt::format("context: {} given, 1 or more accepted", options.context));
  if (options.batch > kMostTokens / options.context) {
    throw Error(fmt::format("batch: {} windows of {} tokens given; at most {} tokens in all accepted",
                            options.batch, options.context, kMostTokens));
  }
}

/// `rows` windows of `context` inputs; `start_of(row)` says where each begins.
template <class StartOf>
TokenBatch make_batch(const TokenView& tokens, std::int64_t rows, std::int64_t context, StartOf start_of) {
  TokenBatch batch{.inputs = {}, .targets = {}, .batch = rows, .context = context};
  const auto width = static_cast<std::size_t>(context);
  batch.inputs.resize(static_cast<std::size_t>(rows) * width);
  batch.targets.resize(batch.inputs.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t start = start_of(row);
    const std::size_t place = static_cast<std::size_t>(row) * width;
    tokens.copy(start, std::span(batch.inputs).subspan(place, width));
    tokens.copy(start + 1, std::span(batch.targets).subspan(place, width));
  }
  return batch;
}

}  // namespace

TokenSplit split_by_position(const TokenView& tokens, double validation_ratio) {
  if (!(validation_ratio >= 0 && validation_ratio < 1)) {
    throw Error(fmt::format("validation ratio: {} given, 0 or more and below 1 accepted", validation_ratio));
  }
  const auto train =
      static_cast<std::int64_t>(std::floor(static_cast<double>(tokens.size()) * (1.0 - validation_ratio)));
  return {tokens.slice(0, train), tokens.slice(train, tokens.size() - train)};
}

RandomWindows::RandomWindows(const TokenView& tokens, const WindowOptions& options, std::uint64_t seed)
    : tokens_(tokens), options_(options), seed_(seed) {
  check_options(options);
  if (options.context >= tokens.size()) {
    throw Error(
        fmt::format("context: {} tokens given, but the training text has only {} tokens; choose a context of "
                    "at most {}, or give more text",
                    options.context, tokens.size(), std::max<std::int64_t>(tokens.size() - 1, 1)));
  }
}

TokenBatch RandomWindows::batch(std::int64_t index) const {
  const RandomStream stream{.seed = seed_, .stream = kFirstStream + static_cast<std::uint64_t>(index)};
  const auto starts = static_cast<std::uint64_t>(tokens_.size() - options_.context);
  return make_batch(tokens_, options_.batch, options_.context, [&](std::int64_t row) {
    const auto words = stream.words(static_cast<std::uint64_t>(row));
    const std::uint64_t random = std::uint64_t{words[1]} << 32 | words[0];
    // The upper half of the product is uniform in [0, starts), but for a bias below starts / 2^64.
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::int64_t>(static_cast<Wide>(random) * starts >> 64);
  });
}

ConsecutiveWindows::ConsecutiveWindows(const TokenView& tokens, const WindowOptions& options)
    : tokens_(tokens), options_(options) {
  check_options(options);
  if (tokens.size() < 2) {
    throw Error(fmt::format("the text to evaluate has {} tokens; at least 2 are needed: give more text",
                            tokens.size()));
  }
}

std::int64_t ConsecutiveWindows::size() const {
  const std::int64_t full = targets() / options_.context;
  return full / options_.batch + (full % options_.batch != 0) + (targets() % options_.context != 0);
}

TokenBatch ConsecutiveWindows::batch(std::int64_t index) const {
  if (index < 0 || index >= size()) {
    throw Error(fmt::format("batch {} asked for; there are the batches 0 to {}", index, size() - 1));
  }
  const std::int64_t full = targets() / options_.context, rest = targets() % options_.context;
  if (rest != 0 && index == size() - 1) {
    return make_batch(tokens_, 1, rest, [&](std::int64_t) { return full * options_.context; });
  }
  // index < size() keeps this product below the number of tokens.
  const std::int64_t first = index * options_.batch;
  return make_batch(tokens_, std::min(options_.batch, full - first), options_.context,
                    [&](std::int64_t row) { return (first + row) * options_.context; });
}

}  // namespace attend::data
