#pragma once

#include "attend/base/random.h"
#include "attend/nn/module.h"

namespace attend::nn {

struct EmbeddingOptions {
  double initialisation_std = 0.02;
};

/// A table "weight" [count, dim]: row i stands for token i.
class Embedding : public Module {
 public:
  /// Throws Error for sizes below 1.
  Embedding(std::int64_t count, std::int64_t dim, const EmbeddingOptions& options, Generator& random);

  /// tokens [...] i32 or i64 in [0, count) to [..., dim] of dtype `compute` (a weight that is not f32 decides
  /// itself). Throws Error for a token outside the table.
  Tensor forward(const Tensor& tokens, DType compute = DType::f32) const;
  const Tensor& weight() const { return weight_; }

 private:
  Tensor weight_;
};

}  // namespace attend::nn
