#include "nn/gates.h"

#include "backend/cast.h"

namespace attend::nn {

bool is_observed(const Run& run, std::int64_t layer) {
  return run.observer != nullptr && run.observer->wants(layer);
}

Tensor for_observer(const Tensor& values, const Shape& shape) {
  const Tensor single = backend::cast(values, DType::f32);
  return Tensor::from(single.to_vector<float>(), shape);
}

}  // namespace attend::nn
