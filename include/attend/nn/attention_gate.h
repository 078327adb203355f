#pragma once

#include <cstdint>

#include "attend/base/random.h"
#include "attend/nn/convolution.h"
#include "attend/nn/module.h"
#include "attend/nn/run.h"

namespace attend::nn {

/// The channels of what an attention gate reads, and of the space in which it compares.
struct AttentionGateSizes {
  std::int64_t features = 1;  ///< x
  std::int64_t gating = 1;    ///< g
  std::int64_t inner = 1;     ///< what both are projected to
};

/// Weighs the places of fine feature maps by additive attention to coarse ones (Oktay et al., "Attention
/// U-Net: Learning Where to Look for the Pancreas", 2018):
///
///     q = psi . relu(W_x x + W_g g + b_g) + b_psi       W_x: 2 x 2, stride 2; W_g, psi: 1 x 1
///     y = x upsample(s(q))                              s the logistic function, bilinear upsampling
///
/// so that one number from 0 to 1 multiplies all channels of a place.
class AttentionGate : public Module {
 public:
  /// Throws Error for less than one channel.
  AttentionGate(const AttentionGateSizes& sizes, Generator& random);

  /// x [batch, 2 height, 2 width, features] and g [batch, height, width, gating] to the shape of x. `layer`
  /// is what the observer is told, which gets the gates as places [batch, 2 height, 2 width]. Throws Error
  /// for other shapes.
  Tensor forward(const Tensor& x, const Tensor& gating, const Run& run, std::int64_t layer) const;

 private:
  AttentionGateSizes sizes_;
  Convolution of_features_, of_gating_, to_gate_;
};

}  // namespace attend::nn
