#pragma once

#include <cstdint>

#include "attend/op/size2.h"
#include "attend/tensor/tensor.h"

namespace attend::op {

struct ConvolutionOptions {
  Size2 stride = 1;
  Size2 padding = 0;   ///< zeros on every side
  Size2 dilation = 1;  ///< distance of neighbours in the kernel
  std::int64_t groups = 1;
};

/// 2-D convolution of feature maps, channels last (a cross-correlation, as everywhere in the field):
///
///     y[n, i, j, o] = bias[o] + sum over a, b, c of
///                     weight[o, c, a, b] x[n, i stride - padding + a dilation, j stride - padding + b
///                     dilation, c]
///
/// where output channel o of group g sees the channels c of group g alone, and x is zero outside.
///
/// x: [batch, height, width, in], f32, bf16 (sums in f32) or f64. weight: [out, in / groups, kernel height,
/// kernel width], PyTorch's layout, of x's dtype, or f32 master weights beside bf16. bias: [out], f32 (f64
/// beside f64), or undefined. Result [batch, (height + 2 padding - dilation (kernel - 1) - 1) / stride + 1,
/// the same of the width, out] of x's dtype. The same bits for any number of threads. Throws Error when
/// shapes or dtypes do not fit, or the kernel is larger than the padded maps.
Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                   const ConvolutionOptions& options = {});

struct TransposedConvolutionOptions {
  Size2 stride = 1;
  Size2 padding = 0;         ///< taken away from every side of the result
  Size2 output_padding = 0;  ///< added below and on the right, less than the stride
  Size2 dilation = 1;
  std::int64_t groups = 1;
};

/// The transposed convolution (Zeiler et al., "Deconvolutional Networks", 2010): the gradient of
/// convolution() with respect to its input, as a layer that enlarges maps.
///
/// x: [batch, height, width, in]. weight: [in, out / groups, kernel height, kernel width], PyTorch's layout.
/// Result [batch, (height - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1, the same of
/// the width, out]. Otherwise like convolution().
Tensor transposed_convolution(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                              const TransposedConvolutionOptions& options = {});

}  // namespace attend::op
