#pragma once

#include "attend/nn/module.h"
#include "attend/op/crf.h"

namespace attend::nn {

/// A linear-chain conditional random field on top of the scores of tags (see attend/op/crf.h): "transitions"
/// [C, C], "start" [C] and "end" [C], all zero at first, when it is as if every place were tagged alone.
class Crf : public Module {
 public:
  /// Throws Error for fewer than one tag.
  explicit Crf(std::int64_t tags);

  /// Emissions [N, T, C] with the scores that it has learned.
  op::CrfScores scores(const Tensor& emissions) const { return {emissions, transitions_, start_, end_}; }

  /// emissions [N, T, C], tags [N, T], lengths [N]: the negative log-likelihood of the tags.
  Tensor loss(const Tensor& emissions, const Tensor& tags, const Tensor& lengths,
              op::Reduction reduction = op::Reduction::mean) const;
  /// The best tagging of each sequence.
  op::CrfPaths decode(const Tensor& emissions, const Tensor& lengths) const;
  /// The probability of each tag at each place.
  Tensor marginals(const Tensor& emissions, const Tensor& lengths) const;

 private:
  Tensor transitions_, start_, end_;
};

}  // namespace attend::nn
