#include "attend/nn/group_norm.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/group_norm.h"

namespace attend::nn {

GroupNorm::GroupNorm(std::int64_t groups, std::int64_t channels, const GroupNormOptions& options)
    : groups_(groups), options_(options) {
  if (channels < 1 || groups < 1 || channels % groups != 0)
    throw Error(
        fmt::format("a group norm of {} channels in {} groups: groups that divide the channels, at "
                    "least 1 of each, needed",
                    channels, groups));
  weight_ = Tensor::full({channels}, 1);
  bias_ = Tensor::zeros({channels});
  add_parameter("weight", weight_, false);
  add_parameter("bias", bias_, false);
}

Tensor GroupNorm::forward(const Tensor& x) const {
  return op::group_norm(x, weight_, bias_, groups_, options_.epsilon);
}

}  // namespace attend::nn
