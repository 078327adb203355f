#include "support/in_precision.h"

#include <algorithm>

#include "backend/cast.h"
#include "support/compare.h"
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

namespace {

// Outputs and gradients of f32 copies of the inputs.
autograd::Tensors run(const Function& function, const autograd::Tensors& inputs,
                      const autograd::Tensors& cotangents) {
  autograd::Tensors leaves;
  for (const Tensor& input : inputs) {
    leaves.push_back(backend::cast(input, DType::f32).clone());
    autograd::set_requires_grad(leaves.back());
  }
  autograd::Tensors results = function(leaves);
  for (const Tensor& gradient : autograd::gradients(results, leaves, cotangents)) results.push_back(gradient);
  return results;
}

autograd::Tensors rows_of(const autograd::Tensors& tensors, std::int64_t begin, std::int64_t end) {
  autograd::Tensors result;
  for (const Tensor& tensor : tensors) {
    Shape shape = tensor.shape();
    shape.set(0, end - begin);
    result.push_back(tensor.view_as(shape, tensor.strides(), begin * tensor.strides()[0]).clone());
  }
  return result;
}

}  // namespace

::testing::AssertionResult same_in_pieces(const Function& function, const autograd::Tensors& inputs,
                                          std::int64_t rows) {
  autograd::Tensors cotangents;
  {
    const autograd::NoGrad no_grad;
    autograd::Tensors single;
    for (const Tensor& input : inputs) single.push_back(backend::cast(input, DType::f32));
    for (const Tensor& output : function(single))
      cotangents.push_back(random_tensor(output.shape(), output.dtype(), 77 + cotangents.size()));
  }
  const autograd::Tensors whole = run(function, inputs, cotangents);
  const std::int64_t count = inputs[0].dim(0);
  for (std::int64_t begin = 0; begin < count; begin += rows) {
    const std::int64_t end = std::min(begin + rows, count);
    const autograd::Tensors piece =
                                run(function, rows_of(inputs, begin, end), rows_of(cotangents, begin, end)),
                            expected = rows_of(whole, begin, end);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto result = close(piece[i], expected[i], 1e-5, 1e-6);
      if (!result)
        return ::testing::AssertionFailure()
               << "rows from " << begin << ", result " << i << ": " << result.message();
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace attend::test
