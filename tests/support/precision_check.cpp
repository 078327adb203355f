#include "support/precision_check.h"

#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "support/compare.h"
#include "support/random_tensor.h"

namespace attend::test {

namespace {

using autograd::Tensors;

// The outputs, then the gradients of all floating inputs.
Tensors run(const Function& function, const Tensors& inputs, DType dtype, std::uint64_t seed) {
  Tensors leaves, differentiable, cotangents;
  for (const Tensor& input : inputs) {
    const bool is_number = is_floating(input.dtype());
    leaves.push_back(is_number ? backend::cast(backend::cast(input, DType::bf16), dtype) : input);
    if (is_number) autograd::set_requires_grad(leaves.back());
  }
  Tensors results = function(leaves);
  for (const Tensor& output : results) {
    if (!autograd::requires_grad(output)) continue;
    differentiable.push_back(output);
    const Tensor cotangent = random_tensor(output.shape(), DType::bf16, seed++);
    cotangents.push_back(backend::cast(cotangent, output.dtype()));
  }
  if (differentiable.empty()) return results;
  for (const Tensor& gradient : autograd::gradients(differentiable, leaves, cotangents))
    if (gradient.defined()) results.push_back(gradient);
  return results;
}

}  // namespace

::testing::AssertionResult follows_double_precision(const Function& function, const Tensors& inputs,
                                                    const PrecisionCheck& check) {
  const Tensors exact = run(function, inputs, DType::f64, check.seed);
  const Tensors got = run(function, inputs, check.dtype, check.seed);
  if (got.empty() || got.size() != exact.size())
    return ::testing::AssertionFailure() << got.size() << " results, in f64 " << exact.size();
  for (std::size_t i = 0; i < got.size(); ++i)
    if (const auto result = close(got[i], exact[i], check.relative, check.absolute); !result)
      return ::testing::AssertionFailure() << name_of(check.dtype) << ", result " << i
                                           << " (outputs, then gradients): " << result.message();
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult follows_double_precision(const Function& function, const Tensors& inputs,
                                                    double tolerance) {
  const auto single = follows_double_precision(function, inputs, {DType::f32, tolerance, tolerance});
  if (!single) return single;
  const double half = std::max(tolerance, 2e-2);
  return follows_double_precision(function, inputs, {DType::bf16, half, half});
}

::testing::AssertionResult same_bits_for_threads(const Function& function, const Tensors& inputs) {
  const int before = threads();
  std::vector<Tensors> results;
  for (const int count : {1, 2}) {
    set_threads(count);
    results.push_back(run(function, inputs, inputs.at(0).dtype(), 4321));
  }
  set_threads(before);
  if (results[0].empty()) return ::testing::AssertionFailure() << "nothing was compared";
  for (std::size_t i = 0; i < results[0].size(); ++i)
    if (const auto result = same_bits(results[0][i], results[1].at(i)); !result)
      return ::testing::AssertionFailure() << "result " << i << ": " << result.message();
  return ::testing::AssertionSuccess();
}

}  // namespace attend::test
