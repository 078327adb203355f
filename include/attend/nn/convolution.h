#pragma once

#include "attend/base/random.h"
#include "attend/nn/module.h"
#include "attend/op/convolution.h"

namespace attend::nn {

struct ConvolutionOptions {
  op::Size2 kernel = 3;
  op::ConvolutionOptions geometry = {};  ///< stride, padding, dilation, groups
  bool bias = true;
};

/// op::convolution with a weight [out, in / groups, kernel] that starts normal with the standard deviation
/// sqrt(2 / inputs of an output) (He et al., "Delving Deep into Rectifiers", 2015), and a bias [out] that
/// starts at zero.
class Convolution : public Module {
 public:
  /// Throws Error for sizes below 1 and groups that do not divide the channels.
  Convolution(std::int64_t in, std::int64_t out, const ConvolutionOptions& options, Generator& random);

  /// x [batch, height, width, in] to [batch, height', width', out].
  Tensor forward(const Tensor& x) const;

 private:
  op::ConvolutionOptions geometry_;
  Tensor weight_, bias_;
};

}  // namespace attend::nn
