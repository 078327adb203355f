#pragma once

#include <cstdint>

#include "attend/nn/module.h"

namespace attend::nn {

/// Tells classes by which words a sequence has, wherever they stand; hard to beat where there are few texts
/// to learn from. Counts are damped as in Salton and Buckley, "Term-weighting approaches in automatic text
/// retrieval", 1988:
///
///     z = b + 50 sum_w v_w E[w],  v_w = u_w / |u|,  u_w = 1 + ln n_w where word w stands n_w > 0 times
///
/// Parameters: "weight" E [words, classes] and "bias" b [classes], which start at zero. The factor lets E
/// learn by the learning rates of other layers.
class BagOfWords : public Module {
 public:
  /// Throws Error for words or classes below 1.
  BagOfWords(std::int64_t words, std::int64_t classes);

  /// tokens: i32 or i64 [batch, length]; those of `words` and above are no words (marks, hidden tokens,
  /// padding) and are passed over. lengths: i32 [batch], the real tokens of each row; undefined: all. Logits
  /// [batch, classes], f32 (f64). Throws Error when shapes do not fit.
  Tensor forward(const Tensor& tokens, const Tensor& lengths = {}) const;

  /// What each token adds to each logit, [batch, length, classes]: their sum over the tokens and b are z.
  Tensor shares(const Tensor& tokens, const Tensor& lengths = {}) const;

 private:
  struct Counted {
    Tensor ids;      // i32 [batch, length], 0 where there is no word
    Tensor weights;  // [batch, 1, length], 0 where there is no word
  };
  Counted counted(const Tensor& tokens, const Tensor& lengths) const;
  /// E of each token, [batch, length, classes].
  Tensor rows_of(const Tensor& ids) const;

  std::int64_t words_, classes_;
  Tensor weight_, bias_;
};

}  // namespace attend::nn
