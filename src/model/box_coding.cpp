#include "model/box_coding.h"

#include <cmath>

#include "attend/op/operators.h"
#include "attend/op/shape.h"

namespace attend::model {

namespace {

Tensor first(const Tensor& x) {
  return op::slice(x, -1, 0, 2);
}

Tensor second(const Tensor& x) {
  return op::slice(x, -1, 2, 4);
}

}  // namespace

Tensor corners_of(const Tensor& centres) {
  const Tensor centre = first(centres), half = 0.5 * second(centres);
  return op::concatenate({centre - half, centre + half}, -1);
}

Tensor centres_of(const Tensor& corners) {
  const Tensor low = first(corners), high = second(corners);
  return op::concatenate({0.5 * (low + high), high - low}, -1);
}

Tensor encode_deltas(const Tensor& references, const Tensor& boxes, const DeltaScale& scale) {
  const Tensor from = centres_of(references), to = centres_of(boxes);
  return op::concatenate({(first(to) - first(from)) / second(from) * (1 / scale.centre),
                          op::log(second(to) / second(from)) * (1 / scale.side)},
                         -1);
}

Tensor decode_deltas(const Tensor& references, const Tensor& deltas, const DeltaScale& scale) {
  const Tensor from = centres_of(references);
  const Tensor largest = Tensor::full({}, std::log(1000.0 / 16), deltas.dtype());
  const Tensor sides = second(from) * op::exp(op::minimum(second(deltas) * scale.side, largest));
  return corners_of(op::concatenate({first(from) + first(deltas) * scale.centre * second(from), sides}, -1));
}

}  // namespace attend::model
