#include "attend/base/error.h"
#include "attention/steps.h"

namespace attend::attention {

Tensor distance_bias(const AttentionSpec&, const Run&, std::int64_t, std::int64_t, std::int64_t, DType) {
  return {};
}

Tensor position_scores(const Tensor&, const Tensor&, const AttentionSpec& spec, const Run&) {
  if (spec.place.positions != Place::Positions::none) throw Error("these positions are not built");
  return {};
}

}  // namespace attend::attention
