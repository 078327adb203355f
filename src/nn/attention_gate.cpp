#include "attend/nn/attention_gate.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/activation.h"
#include "attend/op/arithmetic.h"
#include "attend/op/resize.h"
#include "nn/gates.h"

namespace attend::nn {

namespace {

const AttentionGateSizes& checked(const AttentionGateSizes& sizes) {
  if (sizes.features < 1 || sizes.gating < 1 || sizes.inner < 1)
    throw Error(fmt::format("an attention gate of {} channels by {} in {}: at least 1 of each needed",
                            sizes.features, sizes.gating, sizes.inner));
  return sizes;
}

}  // namespace

AttentionGate::AttentionGate(const AttentionGateSizes& sizes, Generator& random)
    : sizes_(checked(sizes)),
      of_features_(sizes.features, sizes.inner, {.kernel = 2, .geometry = {.stride = 2}, .bias = false},
                   random),
      of_gating_(sizes.gating, sizes.inner, {.kernel = 1}, random),
      to_gate_(sizes.inner, 1, {.kernel = 1}, random) {
  add_child("features", of_features_);
  add_child("gating", of_gating_);
  add_child("gate", to_gate_);
}

Tensor AttentionGate::forward(const Tensor& x, const Tensor& gating, const Run& run,
                              std::int64_t layer) const {
  const bool fits = x.defined() && gating.defined() && x.rank() == 4 && gating.rank() == 4 &&
                    x.elements() > 0 && x.dim(0) == gating.dim(0) && x.dim(1) == 2 * gating.dim(1) &&
                    x.dim(2) == 2 * gating.dim(2) && x.dim(3) == sizes_.features &&
                    gating.dim(3) == sizes_.gating;
  if (!fits)
    throw Error(
        fmt::format("an attention gate for {} by {}: [batch, 2 height, 2 width, {}] by [batch, "
                    "height, width, {}] needed",
                    x.defined() ? x.text() : "undefined", gating.defined() ? gating.text() : "undefined",
                    sizes_.features, sizes_.gating));
  const Tensor both =
      op::activate(op::add(of_features_.forward(x), of_gating_.forward(gating)), Activation::relu);
  const Tensor gate =
      op::resize(op::activate(to_gate_.forward(both), Activation::sigmoid), x.dim(1), x.dim(2));
  if (is_observed(run, layer))
    run.observer->observe_gates(
        layer, {.channels = {}, .places = for_observer(gate, {x.dim(0), x.dim(1), x.dim(2)})});
  return op::multiply(x, gate);
}

}  // namespace attend::nn
