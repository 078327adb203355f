#pragma once

#include "attend/base/random.h"
#include "attend/tensor/tensor.h"

// Choices among the keys of each query, off the tape, for scores of f32 or f64 [batch, heads, queries, keys].
namespace attend::attention {

/// `input` are scores. True at the `count` largest of each row, of equal ones the first. NaN counts as
/// largest.
Tensor largest(const Tensor& input, std::int64_t count);

/// 1 at the largest score of each row, the first of equals, and 0 elsewhere; a row of -infinity gives zeros,
/// and one with NaN is all NaN.
Tensor one_hot_of_largest(const Tensor& input);

/// Numbers of the standard Gumbel distribution, -log(-log u): the score that is largest after adding them is
/// each with its softmax probability. Element (b, h, q, k) depends on the stream, b * heads + h, q and k
/// alone; no number is one that dropout draws from the same stream.
Tensor gumbel_noise(const Shape& shape, DType dtype, const RandomStream& stream);

/// The values of `hard` with the gradient of `soft` (the straight-through estimator of Bengio, Leonard and
/// Courville, "Estimating or Propagating Gradients Through Stochastic Neurons", 2013).
Tensor straight_through(const Tensor& hard, const Tensor& soft);

}  // namespace attend::attention
