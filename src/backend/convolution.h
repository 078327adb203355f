#pragma once

#include <array>
#include <cstdint>

#include "attend/tensor/tensor.h"

namespace attend::backend {

/// A 2-D convolution of feature maps [batch, height, width, in] to [batch, out_height, out_width, out] by
/// weights [out, in / groups, kernel height, kernel width]:
///
///     y[n, i, j, o] = bias[o] + sum over c, a, b of
///                     weight[o, c, a, b] x[n, i stride - padding + a dilation, j ..., c of o's group]
///
/// Pairs are height and width.
struct ConvolutionShape {
  std::int64_t batch = 0, in = 0, out = 0, groups = 1;
  std::array<std::int64_t, 2> size = {0, 0}, kernel = {1, 1}, stride = {1, 1}, padding = {0, 0},
                              dilation = {1, 1}, out_size = {0, 0};
};

/// Each takes dense tensors of one dtype: f32, bf16 (sums in f32) or f64; the bias is f32 (f64). The same
/// bits for any number of threads. Throws Error with oneDNN's reason.
///
/// y of x; the bias may be undefined.
void convolution(const ConvolutionShape& shape, const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const Tensor& y);
/// dx of dy.
void convolution_input_gradient(const ConvolutionShape& shape, const Tensor& dy, const Tensor& weight,
                                const Tensor& dx);
/// dweight of x and dy; dweight is f32 beside bf16.
void convolution_weight_gradient(const ConvolutionShape& shape, const Tensor& x, const Tensor& dy,
                                 const Tensor& dweight);

}  // namespace attend::backend
