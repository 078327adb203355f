#pragma once

#include "attend/backend/activation.h"
#include "attend/tensor/tensor.h"

namespace attend::op {

/// y = f(x), element by element; x and y f32, bf16 (computed in f32) or f64. At plus and minus infinity the
/// values and slopes are the limits. The slope of relu at 0 is 0. Throws Error for another dtype.
Tensor activate(const Tensor& x, Activation activation);

/// The gated form of a feed-forward layer: x [..., 2 h], result f(x[..., :h]) x[..., h:] of shape [..., h];
/// SwiGLU with silu, GeGLU with gelu (Shazeer, "GLU Variants Improve Transformer", 2020). Throws Error for
/// another dtype or an odd last axis.
Tensor gated(const Tensor& x, Activation activation);

}  // namespace attend::op
