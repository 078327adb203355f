#pragma once

#include "attend/op/cross_entropy.h"
#include "attend/tensor/tensor.h"

/// Linear-chain conditional random field (Lafferty et al. 2001), as Lample et al. 2016 put it on a network.
///
/// A tagging y_1 ... y_L of a sequence has the score
///
///     s(y) = start[y_1] + sum_t emissions[t, y_t] + sum_t transitions[y_(t-1), y_t] + end[y_L]
///
/// and the probability exp(s(y)) / Z, Z being the sum of exp(s) over all taggings of L places. Sequences of
/// one batch may have different lengths; what lies behind the length of one counts nothing and gets no
/// gradient. A score of -infinity forbids its tag, or its pair of tags.
///
/// Sums are taken in f64 whatever the dtypes. Every function throws Error for shapes or dtypes that do not
/// fit, a length outside [0, T], and a tag that counts outside [0, C).
namespace attend::op {

/// Scores of C tags at T places of N sequences. f32, bf16 or f64; each member may have a dtype of its own.
struct CrfScores {
  Tensor emissions;    ///< [N, T, C]
  Tensor transitions;  ///< [C, C], from the row's tag to the column's
  Tensor start, end;   ///< [C]
};

/// -log(exp(s(tags)) / Z) by the forward algorithm: a scalar for the sum or the mean over the sequences that
/// are not empty (0 when all are), [N] for none; f32, or f64 when the emissions are. NaN where no tagging is
/// possible.
///
/// tags: [N, T], i32 or i64. lengths: [N], i32 or i64.
Tensor crf_negative_log_likelihood(const CrfScores& scores, const Tensor& tags, const Tensor& lengths,
                                   Reduction reduction = Reduction::mean);

struct CrfPaths {
  Tensor tags;    ///< i64 [N, T], -1 behind the length
  Tensor scores;  ///< f64 [N]: s of each
};

/// The tagging of each sequence with the highest score, by the algorithm of Viterbi (1967); of equal ones
/// that with the lower tag at the last place they differ in. Not differentiable.
CrfPaths crf_decode(const CrfScores& scores, const Tensor& lengths);

/// The probability of each tag at each place, over all taggings: [N, T, C], f32, or f64 when the emissions
/// are; 0 behind the length. Not differentiable.
Tensor crf_marginals(const CrfScores& scores, const Tensor& lengths);

}  // namespace attend::op
