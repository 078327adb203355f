#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "attend/decode/beam_search.h"
#include "attend/op/softmax.h"

namespace attend::decode::test {

using Tokens = std::vector<std::int32_t>;

constexpr std::int32_t kEnd = 0, kStart = 99;

/// A language of its own for each seed: what follows a sequence is a function of the source and of all tokens
/// so far.
struct ToyModel {
  std::int64_t vocabulary = 4;
  std::uint64_t seed = 1;
  double sharpness = 2;  ///< standard deviation of the scores, about
  std::vector<std::int64_t> source_lengths = {3};

  RandomStream stream_of(std::size_t source, const Tokens& tokens, std::uint64_t kind) const {
    std::uint64_t hash = source * 7919 + kind;
    for (const std::int32_t token : tokens) hash = hash * 1000003 + static_cast<std::uint64_t>(token) + 1;
    return {seed, hash};
  }
  static double uniform(const RandomStream& stream, std::int64_t i) {
    return stream.words(static_cast<std::uint64_t>(i))[0] / 4294967296.0;
  }

  std::vector<float> scores(std::size_t source, const Tokens& tokens) const {
    std::vector<float> result;
    for (std::int64_t i = 0; i < vocabulary; ++i)
      result.push_back(
          static_cast<float>(sharpness * 3.5 * (uniform(stream_of(source, tokens, 1), i) - 0.5)));
    return result;
  }
  /// Of a place in a batch, whose rows are as long as its longest source.
  std::vector<double> attention(std::size_t source, const Tokens& tokens, std::int64_t width) const {
    std::vector<double> result(static_cast<std::size_t>(width), 0);
    double sum = 0;
    for (std::int64_t i = 0; i < source_lengths[source]; ++i)
      sum += result[static_cast<std::size_t>(i)] =
          std::pow(uniform(stream_of(source, tokens, 2), i), 4) + 1e-3;
    for (double& value : result) value /= sum;
    return result;
  }
  std::vector<double> log_probabilities(std::size_t source, const Tokens& tokens) const {
    return op::log_softmax(Tensor::from(scores(source, tokens), {1, vocabulary})).to_vector<double>();
  }
};

/// Steps of a toy model, which remember what each row of each step stood for.
struct ToySteps {
  struct Row {
    std::size_t source;
    Tokens tokens;
  };
  const ToyModel& model;
  bool tells_attention = false;
  std::vector<std::vector<Row>> history = {};

  Step operator()(std::span<const std::int32_t> tokens, std::span<const std::int32_t> parents) {
    std::vector<Row> rows;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (history.empty()) {
        EXPECT_EQ(tokens[i], kStart);
        EXPECT_EQ(parents[i], static_cast<std::int32_t>(i));
        rows.push_back({i, {}});
        continue;
      }
      rows.push_back(history.back().at(static_cast<std::size_t>(parents[i])));
      rows.back().tokens.push_back(tokens[i]);
      EXPECT_TRUE(i == 0 || rows[i - 1].source <= rows[i].source);
    }
    std::int64_t width = 0;
    for (const std::int64_t length : model.source_lengths) width = std::max(width, length);
    std::vector<float> scores;
    std::vector<double> attention;
    for (const Row& row : rows) {
      const auto more = model.scores(row.source, row.tokens);
      scores.insert(scores.end(), more.begin(), more.end());
      const auto looked = model.attention(row.source, row.tokens, width);
      attention.insert(attention.end(), looked.begin(), looked.end());
    }
    history.push_back(rows);
    const auto count = static_cast<std::int64_t>(rows.size());
    return {.scores = Tensor::from(scores, {count, model.vocabulary}),
            .attention = tells_attention ? Tensor::from(attention, {count, width}) : Tensor()};
  }
};

/// A finished sequence with the score that BeamOptions define.
struct Scored {
  Tokens tokens;
  double score, log_probability;
};

/// May `token` follow, by the letter of the options?
inline bool may_follow(const Tokens& tokens, std::int32_t token, const BeamOptions& options,
                       std::int64_t most) {
  const auto length = static_cast<std::int64_t>(tokens.size());
  if (token == kEnd) return length >= options.min_length;
  if (length >= most) return false;
  for (const std::int32_t never : options.never)
    if (token == never) return false;
  if (options.no_repeat > 0 && length >= options.no_repeat) {
    const auto n = static_cast<std::size_t>(options.no_repeat);
    Tokens all = tokens;
    all.push_back(token);
    for (std::size_t begin = 0; begin + n < all.size(); ++begin)
      if (std::equal(all.end() - static_cast<std::ptrdiff_t>(n), all.end(),
                     all.begin() + static_cast<std::ptrdiff_t>(begin)))
        return false;
  }
  return true;
}

inline std::int64_t most_tokens(std::int64_t source_length, const BeamOptions& options) {
  if (options.max_ratio <= 0) return options.max_length;
  return std::min(
      options.max_length,
      static_cast<std::int64_t>(std::floor(options.max_ratio * static_cast<double>(source_length))) +
          options.max_extra);
}

inline double score_of(const ToyModel& model, std::size_t source, const Tokens& tokens,
                       double log_probability, const BeamOptions& options) {
  double coverage = 0;
  for (std::int64_t i = 0; i < model.source_lengths[source]; ++i) {
    double sum = 0;
    for (std::size_t t = 0; t <= tokens.size(); ++t)
      sum += model.attention(source, {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(t)},
                             model.source_lengths[source])[static_cast<std::size_t>(i)];
    coverage += std::log(std::min(sum, 1.0));
  }
  const double length = static_cast<double>(tokens.size()) + 1;
  return log_probability / std::pow((5 + length) / 6, options.length_penalty) +
         options.coverage_penalty * coverage;
}

}  // namespace attend::decode::test
