#pragma once

#include <cstdint>

#include "attend/attention/attend.h"
#include "attend/nn/linear.h"
#include "attend/nn/module.h"

namespace attend::nn {

struct SpatiallyModulatedAttentionOptions {
  std::int64_t heads = 1;
  double initialisation_std = 0.02;
  double output_std = 0.02;  ///< of the output projection
};

/// Cross-attention of queries that have boxes to the places of a feature map, where each head looks about a
/// point of the query's box (Gao et al., "Fast Convergence of DETR with Spatially Modulated Co-Attention",
/// 2021, with a width and height of each head). The score of a place (x, y) is
///
///     q . k / sqrt(d) - ((x - x_h) / (s_h w))^2 / 2 - ((y - y_h) / (t_h h))^2 / 2
///     (x_h, y_h) = centre of the box + (a_h w, b_h h)
///     s_h = exp(2 tanh(u_h)) / 2,  t_h = exp(2 tanh(v_h)) / 2
///
/// where w and h are the box's width and height, at least 1/50, and (a_h, b_h, u_h, v_h) a linear function of
/// the query's features, which at the start spreads the points of the heads over the box. The Gaussian is a
/// part of the dot product, so that this is ordinary attention with four more features a head.
///
/// Projections "query" [dim, dim], "key_value" [2 dim, dim], "output" [dim, dim] and "modulation" [4 heads,
/// dim], all with biases. Attention is computed in f32 for bf16: what the Gaussian is made of cancels.
class SpatiallyModulatedAttention : public Module {
 public:
  /// Throws Error when heads do not divide dim.
  SpatiallyModulatedAttention(std::int64_t dim, const SpatiallyModulatedAttentionOptions& options,
                              Generator& random);

  /// What queries look at: keys [batch, places, heads, d + 4] and values [batch, places, heads, d].
  struct Memory {
    Tensor keys, values;
  };
  /// Projects a map, [batch, height, width, dim]. Place (i, j) is at x = (j + 1/2) / width, y = (i + 1/2) /
  /// height.
  Memory project(const Tensor& map) const;

  /// x: [batch, queries, dim]; boxes: [batch, queries, 4], (centre x, centre y, width, height) as parts of
  /// the picture's width and height, f32 (f64 beside f64 x). Gradients flow to both. Result: like x. The
  /// observer is told the weights [batch, heads, queries, places], places row by row.
  Tensor forward(const Tensor& x, const Tensor& boxes, const Memory& memory,
                 const attention::Run& run = {}) const;

 private:
  Tensor modulation(const Tensor& x, const Tensor& boxes) const;

  std::int64_t dim_, heads_;
  Linear query_, key_value_, output_, modulation_;
};

}  // namespace attend::nn
