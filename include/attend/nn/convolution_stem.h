#pragma once

#include <memory>
#include <vector>

#include "attend/nn/batch_norm.h"
#include "attend/nn/convolution.h"

namespace attend::nn {

/// Features of patches by convolutions that overlap, in place of one linear map of each patch (Xiao et al.,
/// "Early Convolutions Help Transformers See Better", 2021): log2(patch) times
///
///     x = relu(batch_norm(convolution(x))),  3 x 3, stride 2, padding 1
///
/// with twice the channels each time and `dim` after the last, then a convolution of 1 x 1 with a bias:
/// "convolutions.0", "norms.0", ... and "output".
class ConvolutionStem : public Module {
 public:
  /// Throws Error unless `patch` is a power of two of at least 2 and dim a multiple of patch / 2.
  static void check(std::int64_t dim, std::int64_t patch);

  /// Throws as check().
  ConvolutionStem(std::int64_t channels, std::int64_t dim, std::int64_t patch, Generator& random);

  /// x [batch, height, width, channels] to [batch, height / patch, width / patch, dim], rounded up.
  Tensor forward(const Tensor& x, const Run& run) const;

  /// Of its convolutions forward, for one picture.
  double flops(std::int64_t height, std::int64_t width) const;

 private:
  std::vector<std::unique_ptr<Convolution>> convolutions_;
  std::vector<std::unique_ptr<BatchNorm>> norms_;
  std::unique_ptr<Convolution> output_;
  std::int64_t channels_, dim_;
};

}  // namespace attend::nn
