#include "attend/nn/group_norm.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/activation.h"
#include "attend/op/group_norm.h"

namespace attend::nn {

GroupNorm::GroupNorm(std::int64_t channels, const GroupNormOptions& options) : options_(options) {
  if (channels < 1 || options.groups < 1 || channels % options.groups != 0)
    throw Error(
        fmt::format("a group norm of {} channels in {} groups: groups that divide the channels needed",
                    channels, options.groups));
  weight_ = Tensor::full({channels}, 1);
  bias_ = Tensor::zeros({channels});
  add_parameter("weight", weight_, false);
  add_parameter("bias", bias_, false);
}

Tensor GroupNorm::forward(const Tensor& x) const {
  const Tensor y = op::group_norm(x, weight_, bias_, options_.groups, options_.epsilon);
  return options_.relu ? op::activate(y, Activation::relu) : y;
}

Tensor GroupNorm::forward(const Tensor& x, const Run& /*run*/) const {
  return forward(x);
}

}  // namespace attend::nn
