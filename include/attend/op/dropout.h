#pragma once

#include "attend/base/random.h"
#include "attend/tensor/tensor.h"

namespace attend::op {

/// Inverted dropout: each element is zero with probability p and x / (1 - p) otherwise (Srivastava et al.,
/// "Dropout", 2014). x: f32, bf16 or f64.
///
/// Element i of x in row-major order is kept when the 16-bit number i of the stream is at least round(65536
/// p): half i mod 2 (the lower one first) of word (i mod 8) / 2 of stream.words(i / 8). Nothing but the
/// stream is kept for the backward pass, which draws the same numbers again. Same bits for any number of
/// threads. p = 0 gives x itself. Throws Error unless 0 <= p < 1.
Tensor dropout(const Tensor& x, double p, const RandomStream& stream);

}  // namespace attend::op
