#pragma once

#include <cstdint>

#include "attend/base/random.h"
#include "attend/nn/convolution.h"
#include "attend/nn/linear.h"
#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::nn {

/// Cuts out and turns the part of a picture that matters (Jaderberg et al., "Spatial Transformer Networks",
/// 2015): grid_sample(x, affine_grid(theta(x))), where theta [2, 3] is linear in the places that 16 maps
/// point at, the mean place of a softmax over each (Levine et al., "End-to-End Training of Deep Visuomotor
/// Policies", 2016); the maps come from two 3 x 3 convolutions of stride 2 with ReLU and one of 1 x 1. Begins
/// as the identity.
class SpatialTransformer : public Module {
 public:
  /// Throws Error for less than one channel.
  SpatialTransformer(std::int64_t channels, Generator& random);

  /// x [batch, height, width, channels] to the same shape; f32, bf16 (places in f32) or f64. `layer` is what
  /// the observer is told. Throws Error for x of another shape or without values.
  Tensor forward(const Tensor& x, const Run& run, std::int64_t layer) const;
  /// The affine maps from places of the result to places of x: [batch, 2, 3], f32 (f64 of f64 x).
  Tensor theta(const Tensor& x) const;

 private:
  std::int64_t channels_;
  Convolution first_, second_, maps_;
  Linear theta_;
};

}  // namespace attend::nn
