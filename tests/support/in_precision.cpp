#include "support/in_precision.h"

#include "backend/cast.h"
#include "support/random_tensor.h"

namespace attend::test {

Tensor random_bf16_values(const Shape& shape, std::uint64_t seed, double low, double high) {
  return backend::cast(random_tensor(shape, DType::bf16, seed, low, high), DType::f64);
}

autograd::Tensors run_in(const std::vector<DType>& dtypes, const Function& function,
                         const autograd::Tensors& inputs) {
  autograd::Tensors leaves, cotangents;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    leaves.push_back(backend::cast(inputs[i], dtypes[i]));
    autograd::set_requires_grad(leaves.back());
  }
  autograd::Tensors results = function(leaves);
  for (std::size_t i = 0; i < results.size(); ++i)
    cotangents.push_back(backend::cast(random_bf16_values(results[i].shape(), 99 + i), results[i].dtype()));
  for (const Tensor& gradient : autograd::gradients(results, leaves, cotangents)) results.push_back(gradient);
  return results;
}

}  // namespace attend::test
