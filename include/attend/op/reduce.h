#pragma once

#include <vector>

#include "attend/tensor/tensor.h"

/// Reductions of f32, bf16 (in f32) or f64, any strides. The order of additions depends on the shape alone:
/// the same bits for any number of threads. Each throws Error for another dtype, or an axis that is outside
/// the rank or named twice.
namespace attend::op {

struct ReduceOptions {
  /// The axes to reduce; negative ones count from the end. Empty: all of them.
  std::vector<int> axes = {};
  /// Reduced axes stay, with size 1.
  bool keep_axes = false;
};

/// The sum; 0 over no elements. The result has x's dtype.
Tensor sum(const Tensor& x, const ReduceOptions& options = {});
/// The sum divided by the number of elements; NaN over no elements.
Tensor mean(const Tensor& x, const ReduceOptions& options = {});
/// The largest element; NaN when any is. Equal maxima share the gradient equally. Throws Error over no
/// elements.
Tensor maximum(const Tensor& x, const ReduceOptions& options = {});

}  // namespace attend::op
