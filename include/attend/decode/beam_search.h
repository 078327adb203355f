#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "attend/decode/sampler.h"
#include "attend/tensor/tensor.h"

/// Writing sequences with any model that scores the next token.
namespace attend::decode {

/// What a model says after the newest token of each row.
struct Step {
  /// [rows, vocabulary], f32, bf16 or f64: the softmax of a row is the probability of its next token.
  Tensor scores;
  /// Undefined, or where the model looked for it: [rows, source length], f32 or f64, each row with sum 1 over
  /// the length of its source. Needed for a coverage penalty.
  Tensor attention = {};
};

/// One step of a model, for the rows that are still being written: row i goes on with what row parents[i]
/// was in the call before, and its newest token is tokens[i]. In the first call row i is source i with the
/// start token, and parents[i] = i. Rows of one source stand together, and rows that go on stay where they
/// are when they can.
using StepFunction =
    std::function<Step(std::span<const std::int32_t> tokens, std::span<const std::int32_t> parents)>;

/// When the search for one source ends before all its hypotheses are as long as they may be.
enum class Stop : std::uint8_t {
  exact,   ///< when n_best have finished, and none that goes on can become better
  enough,  ///< when `beam` have finished: fewer steps, and perhaps not the best
};

/// Lengths count tokens without the start and the end.
struct BeamOptions {
  std::int32_t start = -1;  ///< the token before the first; must be given
  std::int32_t end = -1;    ///< the token after the last; must be given
  std::int64_t beam = 4;    ///< hypotheses of a source that are followed; 1: the likeliest token each time
  std::int64_t n_best = 1;  ///< hypotheses of a source that are returned, at most `beam`
  /// Alpha of the length penalty ((5 + |Y|) / 6)^alpha that log-probabilities are divided by, |Y| with the
  /// end (Wu et al., "Google's Neural Machine Translation System", 2016, eq. 14). 0: none.
  double length_penalty = 0.6;
  /// Beta of the coverage penalty that is added: beta * sum over places i of the source of ln(min(sum over
  /// tokens of the attention to i, 1)), a sum of 0 counted as 1e-9. 0: none.
  double coverage_penalty = 0;
  std::int64_t max_length = 256;
  /// Above 0: a hypothesis has also no more tokens than max_ratio * (tokens of its source) + max_extra.
  double max_ratio = 0;
  std::int64_t max_extra = 10;
  std::int64_t min_length = 0;
  /// Above 0: no sequence of so many tokens occurs twice in a hypothesis (Paulus et al., "A Deep Reinforced
  /// Model for Abstractive Summarization", 2018).
  std::int64_t no_repeat = 0;
  std::vector<std::int32_t> never = {};  ///< tokens that are not written, such as padding
  Stop stop = Stop::exact;
  /// Draw each token instead of taking the likeliest; then beam must be 1. Source i draws from the seed plus
  /// i.
  std::optional<SamplerOptions> sampling = {};
};

/// Throws Error naming the option that is out of its range.
void validate(const BeamOptions& options);

/// A sequence that was written.
struct Hypothesis {
  std::vector<std::int32_t> tokens;       ///< without start and end
  double score = 0;                       ///< what it was ranked by
  double log_probability = 0;             ///< the natural logarithm of the probability of tokens and end
  std::vector<double> log_probabilities;  ///< of each token, and of the end
  /// The row of step i that token i was chosen from, the end's last: where what an observer of step i saw of
  /// this hypothesis stands.
  std::vector<std::int32_t> rows;
  /// [tokens + 1, tokens of the source], f64, when the steps tell it: where the model looked for each token,
  /// and for the end.
  Tensor attention = {};
  bool was_cut = false;  ///< it had as many tokens as it may, and its end was no choice
};

/// Beam search, batched over sources of the given numbers of tokens: the n_best hypotheses of each, best
/// first; fewer where there are no more.
///
/// At each step the hypotheses of a source have one length, and all their continuations are ranked by
/// probability (equal ones by row, then by token). An end among the best `beam` of them finishes a
/// hypothesis, with score ln P / length penalty + coverage penalty; the best `beam` others go on. A
/// hypothesis that is as long as it may be gets its end. The end is also allowed, whatever min_length says,
/// where no other token is.
///
/// Throws Error for options out of range, a score that is NaN or +infinity, scores that allow no token at
/// all, and steps whose shapes do not fit.
std::vector<std::vector<Hypothesis>> beam_search(std::span<const std::int64_t> source_lengths,
                                                 const StepFunction& step, const BeamOptions& options);

}  // namespace attend::decode
