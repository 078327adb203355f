#include "attend/nn/convolution.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/base/error.h"
#include "attend/nn/initialise.h"

namespace attend::nn {

Convolution::Convolution(std::int64_t in, std::int64_t out, const ConvolutionOptions& options,
                         Generator& random)
    : geometry_(options.geometry) {
  const std::int64_t groups = options.geometry.groups;
  const auto& [height, width] = options.kernel;
  if (in < 1 || out < 1 || height < 1 || width < 1 || groups < 1 || in % groups != 0 || out % groups != 0)
    throw Error(
        fmt::format("a convolution from {} to {} channels in {} groups with a kernel of {} x {}: at least 1 "
                    "of each needed, and groups that divide the channels",
                    in, out, groups, height, width));
  const Shape shape{out, in / groups, height, width};
  const std::int64_t inputs = in / groups * height * width;
  weight_ = normal(shape, std::sqrt(2 / static_cast<double>(inputs)), random.next());
  if (options.bias) bias_ = Tensor::zeros({out});
  add_parameter("weight", weight_, true);
  add_parameter("bias", bias_, false);
}

Tensor Convolution::forward(const Tensor& x) const {
  return op::convolution(x, weight_, bias_, geometry_);
}

}  // namespace attend::nn
