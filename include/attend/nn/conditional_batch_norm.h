#pragma once

#include "attend/nn/batch_norm.h"
#include "attend/nn/embedding.h"

namespace attend::nn {

/// Batch normalisation that knows the class of each row (Dumoulin et al., "A Learned Representation For
/// Artistic Style", 2017; de Vries et al., "Modulating early visual processing by language", 2017):
///
///     y = max(0, (1 + gain[class]) norm(x) + shift[class])
///
/// norm is nn::BatchNorm, the child "norm"; "gain" and "shift" are tables [classes, channels] that start at
/// zero.
class ConditionalBatchNorm : public Module {
 public:
  /// Throws Error for sizes below 1.
  ConditionalBatchNorm(std::int64_t channels, std::int64_t classes, Generator& random);

  /// x [batch, height, width, channels] and classes, i32 or i64 [batch], to x's shape and dtype. Throws Error
  /// for a class outside the table.
  Tensor forward(const Tensor& x, const Tensor& classes, const Run& run) const;

 private:
  BatchNorm norm_;
  Embedding gain_, shift_;
};

}  // namespace attend::nn
