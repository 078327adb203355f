#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/nn/module.h"
#include "support/random_tensor.h"

namespace attend::test {

/// Compares, for each parameter of a module in f64, the derivative of a loss along a random direction, by the
/// tape, with a central difference. Two losses a parameter, so that it does for whole models.
inline ::testing::AssertionResult parameter_gradients_match(const nn::Module& module,
                                                            const std::function<Tensor()>& loss,
                                                            const std::set<std::string>& without = {}) {
  constexpr double kStep = 1e-5, kRelative = 1e-5, kAbsolute = 1e-7;
  autograd::backward(loss());
  std::uint64_t seed = 900;
  int compared = 0;
  for (const nn::NamedParameter& parameter : module.parameters()) {
    if (!parameter.trainable || without.count(parameter.name) > 0) continue;
    const Tensor gradient = autograd::grad(parameter.tensor);
    if (!gradient.defined()) return ::testing::AssertionFailure() << parameter.name << " has no gradient";
    const std::vector<double> direction =
        random_tensor(parameter.tensor.shape(), DType::f64, ++seed).to_vector<double>();
    const std::vector<double> slope = gradient.to_vector<double>(),
                              before = parameter.tensor.to_vector<double>();
    double by_tape = 0;
    for (std::size_t i = 0; i < slope.size(); ++i) by_tape += slope[i] * direction[i];
    const auto at = [&](double step) {
      const autograd::NoGrad no_grad;
      for (std::size_t i = 0; i < before.size(); ++i)
        parameter.tensor.data<double>()[i] = before[i] + step * direction[i];
      return loss().item();
    };
    const double by_difference = (at(kStep) - at(-kStep)) / (2 * kStep);
    at(0);
    if (!(std::abs(by_tape - by_difference) <= kAbsolute + kRelative * std::abs(by_difference)))
      return ::testing::AssertionFailure()
             << parameter.name << ": " << by_tape << " by the tape, " << by_difference << " by differences";
    ++compared;
  }
  if (compared == 0) return ::testing::AssertionFailure() << "nothing was compared";
  return ::testing::AssertionSuccess();
}

}  // namespace attend::test
