#include "attend/attention/weigh.h"

#include "attend/base/error.h"
#include "attend/op/softmax.h"
#include "attention/steps.h"

namespace attend::attention {

Tensor weighed(const Tensor& scores, const AttentionSpec& spec, const Run&) {
  if (spec.weigh.kind != Weigh::Kind::softmax) throw Error("this weighing is not built");
  return op::softmax(scores);
}

}  // namespace attend::attention
