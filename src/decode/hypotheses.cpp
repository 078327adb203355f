#include "decode/hypotheses.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attend/base/error.h"
#include "decode/no_repeat.h"

namespace attend::decode {

namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();
// What a place that was never looked at counts as.
constexpr double kLeastCoverage = 1e-9;

// The logarithm of a probability that rounding must not have made larger than 1.
double at_most_one(float log_probability) {
  return std::min(static_cast<double>(log_probability), 0.0);
}

// False only if no value is above the limit; true also when one is hardly below it.
bool any_above(const float* begin, const float* end, double limit) {
  const float below = std::nextafter(static_cast<float>(limit), kForbidden);
  // Without a branch, so that the compiler makes vectors of it.
  std::int32_t found = 0;
  for (const float* value = begin; value < end; ++value) found |= static_cast<std::int32_t>(*value > below);
  return found != 0;
}

std::int64_t most_tokens_of(std::int64_t source_length, const BeamOptions& options) {
  if (options.max_ratio <= 0) return options.max_length;
  const double most =
      options.max_ratio * static_cast<double>(source_length) + static_cast<double>(options.max_extra);
  return most < static_cast<double>(options.max_length) ? static_cast<std::int64_t>(most)
                                                        : options.max_length;
}

}  // namespace

class Hypotheses::BestCandidates {
 public:
  explicit BestCandidates(std::size_t most) : most_(most) {}

  /// What another must be above.
  double least() const { return heap_.size() < most_ ? kNever : heap_.front().log_probability; }
  /// Of equal ones the first is kept: they must come in order of rows, then tokens.
  void add(const Candidate& candidate) {
    if (!(candidate.log_probability > least())) return;
    heap_.push_back(candidate);
    std::ranges::push_heap(heap_, is_better);
    if (heap_.size() <= most_) return;
    std::ranges::pop_heap(heap_, is_better);
    heap_.pop_back();
  }
  std::vector<Candidate> in_order() {
    std::ranges::sort_heap(heap_, is_better);
    return std::move(heap_);
  }

 private:
  static bool is_better(const Candidate& a, const Candidate& b) {
    if (a.log_probability != b.log_probability) return a.log_probability > b.log_probability;
    return a.row != b.row ? a.row < b.row : a.token < b.token;
  }

  std::size_t most_;
  std::vector<Candidate> heap_;  ///< its front is the worst
};

Hypotheses::Hypotheses(std::int64_t source_length, const BeamOptions& options, std::uint64_t number)
    : options_(options), source_length_(source_length), most_tokens_(most_tokens_of(source_length, options)) {
  if (options.sampling) {
    SamplerOptions mine = *options.sampling;
    mine.seed += number;
    sampler_.emplace(mine);
  }
  nodes_.push_back({.token = options.start, .before = -1, .row = -1, .log_probability = 0});
  live_.push_back({.node = 0,
                   .parent = 0,
                   .log_probability = 0,
                   .coverage = std::vector<double>(
                       options.coverage_penalty > 0 ? index(source_length) : std::size_t{0}, 0)});
}

std::vector<std::int32_t> Hypotheses::tokens_to(std::int32_t node) const {
  std::vector<std::int32_t> result;
  for (; node > 0; node = nodes_[index(node)].before) result.push_back(nodes_[index(node)].token);
  std::ranges::reverse(result);
  return result;
}

// Takes away what this row must not go on with.
void Hypotheses::forbid(float* scores, std::int64_t row, std::int64_t vocabulary) const {
  const float end = scores[options_.end];
  if (length_ >= most_tokens_) {
    std::fill(scores, scores + vocabulary, kForbidden);
    scores[options_.end] = end;
    return;
  }
  for (const std::int32_t token : options_.never)
    if (token >= 0 && token < vocabulary) scores[token] = kForbidden;
  if (options_.no_repeat > 0)
    for (const std::int32_t token : repeating_tokens(tokens_to(live_[index(row)].node), options_.no_repeat))
      scores[token] = kForbidden;
  scores[options_.end] = kForbidden;
  const bool has_other = std::any_of(scores, scores + vocabulary, [](float s) { return s > kForbidden; });
  if (length_ >= options_.min_length || !has_other) scores[options_.end] = end;
}

// The best 2 beam continuations: at most one for each row is an end, so that `beam` others are among them.
std::vector<Hypotheses::Candidate> Hypotheses::best(const RowScores& scores) const {
  constexpr std::int64_t kBlock = 64;
  BestCandidates kept(index(2 * options_.beam));
  for (std::int64_t row = 0; row < rows(); ++row) {
    const float* line = scores.log_probabilities + row * scores.vocabulary;
    const double before = live_[index(row)].log_probability;
    for (std::int64_t begin = 0; begin < scores.vocabulary; begin += kBlock) {
      const std::int64_t end = std::min(begin + kBlock, scores.vocabulary);
      if (!any_above(line + begin, line + end, kept.least() - before)) continue;
      for (std::int64_t token = begin; token < end; ++token)
        kept.add({.log_probability = before + at_most_one(line[token]),
                  .row = static_cast<std::int32_t>(row),
                  .token = static_cast<std::int32_t>(token)});
    }
  }
  return kept.in_order();
}

std::vector<Hypotheses::Candidate> Hypotheses::drawn(const RowScores& scores) {
  const std::vector<float> line(scores.log_probabilities, scores.log_probabilities + scores.vocabulary);
  if (std::ranges::max(line) == kForbidden) return {};
  const std::int32_t token = sampler_->draw(line);
  return {{live_[0].log_probability + at_most_one(line[index(token)]), 0, token}};
}

void Hypotheses::advance(const RowScores& scores, std::int32_t first_row) {
  for (std::int64_t row = 0; row < rows(); ++row)
    forbid(scores.log_probabilities + row * scores.vocabulary, row, scores.vocabulary);
  const std::vector<Candidate> candidates = sampler_ ? drawn(scores) : best(scores);
  if (candidates.empty() && finished_.empty())
    throw Error("decoding: the model gives every token that may follow the probability 0");
  std::vector<Candidate> chosen;
  for (std::size_t rank = 0; rank < candidates.size(); ++rank) {
    if (candidates[rank].token != options_.end) {
      if (chosen.size() < index(options_.beam)) chosen.push_back(candidates[rank]);
    } else if (rank < index(options_.beam)) {
      finish(candidates[rank], scores, first_row);
    }
  }
  go_on(std::move(chosen), scores, first_row);
  ++length_;
  if (!can_improve()) live_.clear();
}

std::int32_t Hypotheses::add_node(const Candidate& candidate, const RowScores& scores,
                                  std::int32_t first_row) {
  nodes_.push_back({.token = candidate.token,
                    .before = live_[index(candidate.row)].node,
                    .row = first_row + candidate.row,
                    .log_probability = static_cast<double>(
                        scores.log_probabilities[candidate.row * scores.vocabulary + candidate.token])});
  return static_cast<std::int32_t>(nodes_.size() - 1);
}

std::vector<double> Hypotheses::covered(const Candidate& candidate, const RowScores& scores) const {
  std::vector<double> result = live_[index(candidate.row)].coverage;
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] += scores.attention[candidate.row * scores.width + static_cast<std::int64_t>(i)];
  return result;
}

double Hypotheses::length_penalty(std::int64_t tokens) const {
  return std::pow((5.0 + static_cast<double>(tokens)) / 6.0, options_.length_penalty);
}

void Hypotheses::finish(const Candidate& candidate, const RowScores& scores, std::int32_t first_row) {
  double penalty = 0;
  for (const double coverage : covered(candidate, scores))
    penalty += std::log(std::clamp(coverage, kLeastCoverage, 1.0));
  const double score = candidate.log_probability / length_penalty(length_ + 1) +
                       (options_.coverage_penalty > 0 ? options_.coverage_penalty * penalty : 0);
  ++finished_count_;
  const auto place = std::ranges::find_if(finished_, [&](const Finished& f) { return f.score < score; });
  if (place == finished_.end() && finished_.size() >= index(options_.n_best)) return;
  finished_.insert(place, {.node = add_node(candidate, scores, first_row),
                           .score = score,
                           .log_probability = candidate.log_probability,
                           .was_cut = length_ >= most_tokens_});
  if (finished_.size() > index(options_.n_best)) finished_.pop_back();
}

// A hypothesis takes the row of the one it goes on from, unless a better one has: then little moves in a
// cache.
void Hypotheses::go_on(std::vector<Candidate> chosen, const RowScores& scores, std::int32_t first_row) {
  std::vector<std::int32_t> at(chosen.size(), -1);  // rows to candidates
  std::vector<std::size_t> homeless;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const std::size_t home = index(chosen[i].row);
    if (home < at.size() && at[home] < 0)
      at[home] = static_cast<std::int32_t>(i);
    else
      homeless.push_back(i);
  }
  auto next = homeless.begin();
  std::vector<Live> live;
  for (const std::int32_t given : at) {
    const Candidate& candidate = chosen[given >= 0 ? index(given) : *next++];
    live.push_back({.node = add_node(candidate, scores, first_row),
                    .parent = candidate.row,
                    .log_probability = candidate.log_probability,
                    .coverage = covered(candidate, scores)});
  }
  live_ = std::move(live);
}

// Whether a hypothesis that goes on may still be among the n best. Its probability can only fall, its length
// penalty only grow up to that of the longest, and no coverage penalty is above 0.
bool Hypotheses::can_improve() const {
  if (live_.empty()) return false;
  if (options_.stop == Stop::enough && finished_count_ >= options_.beam) return false;
  if (finished_.size() < index(options_.n_best)) return true;
  double likeliest = kNever;
  for (const Live& live : live_) likeliest = std::max(likeliest, live.log_probability);
  return likeliest / length_penalty(most_tokens_ + 1) > finished_.back().score;
}

std::vector<Hypothesis> Hypotheses::finished(std::span<const Tensor> attention) const {
  std::vector<Hypothesis> result;
  for (const Finished& done : finished_) {
    Hypothesis hypothesis{.tokens = tokens_to(done.node),
                          .score = done.score,
                          .log_probability = done.log_probability,
                          .log_probabilities = {},
                          .rows = {},
                          .was_cut = done.was_cut};
    hypothesis.tokens.pop_back();
    for (std::int32_t node = done.node; node > 0; node = nodes_[index(node)].before) {
      hypothesis.log_probabilities.push_back(nodes_[index(node)].log_probability);
      hypothesis.rows.push_back(nodes_[index(node)].row);
    }
    std::ranges::reverse(hypothesis.log_probabilities);
    std::ranges::reverse(hypothesis.rows);
    if (!attention.empty()) {
      hypothesis.attention =
          Tensor::empty({static_cast<std::int64_t>(hypothesis.rows.size()), source_length_}, DType::f64);
      for (std::size_t i = 0; i < hypothesis.rows.size(); ++i)
        std::copy_n(attention[i].data<double>() + hypothesis.rows[i] * attention[i].dim(1), source_length_,
                    hypothesis.attention.data<double>() + static_cast<std::int64_t>(i) * source_length_);
    }
    result.push_back(std::move(hypothesis));
  }
  return result;
}

}  // namespace attend::decode
