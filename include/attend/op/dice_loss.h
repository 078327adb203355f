#pragma once

#include <cstdint>
#include <optional>

#include "attend/tensor/tensor.h"

namespace attend::op {

struct DiceLossOptions {
  /// Added above and below, so that a class without a pixel on either side counts as right; above 0.
  double smoothing = 1;
  /// Rows with this target count nothing and get no gradient.
  std::optional<std::int64_t> ignore_index = {};
};

/// Soft Dice loss (Milletari et al., "V-Net", 2016; over several classes: Sudre et al., "Generalised Dice
/// Overlap", 2017, with equal weights):
///
///     p = softmax(logits),  loss = 1 - mean_c (2 sum_i p_ic t_ic + s) / (sum_i p_ic + sum_i t_ic + s)
///
/// t_ic is 1 where c is the target of row i and 0 elsewhere, s the smoothing, and i goes over all rows that
/// are not ignored. 0 where every pixel is right for sure, below 1 always.
///
/// logits: [..., V], f32, bf16 or f64. targets: [...], i32 or i64, in [0, V) or ignore_index. Result: a
/// scalar, f32 (f64 for f64 logits). The same bits for any number of threads. Throws Error for a target out
/// of range and for shapes, dtypes and options that do not fit.
Tensor dice_loss(const Tensor& logits, const Tensor& targets, const DiceLossOptions& options = {});

}  // namespace attend::op
