#include "support/gradient_check.h"

#include <cmath>

#include "support/random_tensor.h"

namespace attend::test {

namespace {

double project(const autograd::Tensors& outputs, const autograd::Tensors& cotangents) {
  double sum = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto y = outputs[i].to_vector<double>(), c = cotangents[i].to_vector<double>();
    for (std::size_t j = 0; j < y.size(); ++j) sum += y[j] * c[j];
  }
  return sum;
}

}  // namespace

::testing::AssertionResult gradients_match(
    const std::function<autograd::Tensors(const autograd::Tensors&)>& function,
    const autograd::Tensors& inputs, const GradientCheck& options) {
  for (const Tensor& input : inputs) {
    if (input.dtype() != DType::f64 || !input.is_contiguous())
      return ::testing::AssertionFailure() << "inputs of a gradient check are dense f64 tensors";
    autograd::set_requires_grad(input);
  }
  const autograd::Tensors outputs = function(inputs);
  autograd::Tensors cotangents;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    cotangents.push_back(random_tensor(outputs[i].shape(), outputs[i].dtype(), options.seed + i));
  const autograd::Tensors analytic = autograd::gradients(outputs, inputs, cotangents);
  const autograd::NoGrad no_grad;
  std::size_t compared = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!analytic[i].defined()) return ::testing::AssertionFailure() << "input " << i << " has no gradient";
    const auto got = analytic[i].to_vector<double>();
    double* x = inputs[i].data<double>();
    for (std::size_t j = 0; j < got.size(); ++j) {
      const double before = x[j];
      x[j] = before + options.step;
      const double above = project(function(inputs), cotangents);
      x[j] = before - options.step;
      const double below = project(function(inputs), cotangents);
      x[j] = before;
      const double numeric = (above - below) / (2 * options.step), error = std::abs(got[j] - numeric);
      if (!(error <= options.absolute + options.relative * std::abs(numeric)))
        return ::testing::AssertionFailure()
               << "input " << i << " element " << j << ": gradient " << got[j] << ", central difference "
               << numeric << " (seed " << options.seed << ")";
      ++compared;
    }
  }
  if (compared == 0) return ::testing::AssertionFailure() << "nothing was compared";
  return ::testing::AssertionSuccess();
}

}  // namespace attend::test
