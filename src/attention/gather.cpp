#include "attend/attention/gather.h"

#include "attend/op/matmul.h"
#include "attention/steps.h"

namespace attend::attention {

Tensor gathered(const Tensor& weights, const Tensor& value, const AttentionSpec&, const Run&) {
  return op::matmul(weights, value);
}

}  // namespace attend::attention
