#pragma once

#include <cstdint>
#include <optional>

#include "attend/tensor/tensor.h"

namespace attend::op {

enum class Reduction : std::uint8_t {
  mean,  ///< over the targets that are not ignored; 0 when there are none
  sum,
  none,  ///< one loss for each target, 0 where ignored
};

struct CrossEntropyOptions {
  Reduction reduction = Reduction::mean;
  /// The target distribution is 1 - label_smoothing at the target plus label_smoothing / V everywhere
  /// (Szegedy et al. 2016). From 0 to 1.
  double label_smoothing = 0;
  /// Rows with this target count nothing and get no gradient.
  std::optional<std::int64_t> ignore_index = {};
};

/// -sum_c q_c log softmax(logits)_c for the target distribution q.
///
/// logits: [..., V], f32, bf16 or f64. targets: [...], i32 or i64, in [0, V) or ignore_index. Result: f32
/// (f64 for f64 logits), a scalar or of the targets' shape. Sums of losses are taken in f64, in order. Throws
/// Error for a target out of range and for shapes or dtypes that do not fit.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options = {});

struct LinearCrossEntropyOptions {
  Reduction reduction = Reduction::mean;          ///< as above
  double label_smoothing = 0;                     ///< as above
  std::optional<std::int64_t> ignore_index = {};  ///< as above
  /// Rows whose logits exist at one time. 0: as many as 2^25 logits, at least 256.
  std::int64_t chunk = 0;
};

/// cross_entropy(x weight^T, targets) without ever holding all logits, for large vocabularies.
///
/// x: [..., d], f32, bf16 or f64. weight: [V, d], of x's dtype, or f32 beside bf16 x. Logits are f32 (f64).
/// With reduction mean or sum the gradients of x and weight are computed with the loss, chunk by chunk, while
/// the logits are there (only when recording), and backward only scales them; with none, backward computes
/// the logits again. Otherwise like cross_entropy().
Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& targets,
                            const LinearCrossEntropyOptions& options = {});

}  // namespace attend::op
