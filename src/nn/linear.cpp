#include "attend/nn/linear.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/nn/initialise.h"
#include "attend/op/linear.h"

namespace attend::nn {

Linear::Linear(std::int64_t in, std::int64_t out, const LinearOptions& options, Generator& random) {
  if (in < 1 || out < 1)
    throw Error(fmt::format("a linear layer from {} to {} features: at least 1 needed", in, out));
  weight_ = normal({out, in}, options.initialisation_std, random.next());
  if (options.bias) bias_ = Tensor::zeros({out});
  add_parameter("weight", weight_, true);
  add_parameter("bias", bias_, false);
}

Tensor Linear::forward(const Tensor& x) const {
  return op::linear(x, weight_, bias_);
}

}  // namespace attend::nn
