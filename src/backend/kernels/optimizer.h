#pragma once

#include <cstdint>

namespace attend::backend {

/// What one AdamW update multiplies with; see train::AdamW.
struct AdamWFactors {
  float gradient_scale = 1;     ///< of the gradient, from clipping
  float beta1 = 0, beta2 = 0;   ///< of the moments
  float step_size = 0;          ///< learning rate / (1 - beta1^t)
  float second_correction = 1;  ///< 1 / sqrt(1 - beta2^t)
  float epsilon = 0;
  float keep = 1;  ///< 1 - learning rate * weight decay
};

/// What one update of stochastic gradient descent multiplies with; see train::Sgd.
struct SgdFactors {
  float gradient_scale = 1;
  float learning_rate = 0;
  float momentum = 0;
  float decay = 0;  ///< added to the gradient, times the parameter
  bool nesterov = false;
};

/// All f32 and dense.
struct OptimizerKernels {
  /// Updates parameter, first and second moment in one pass over memory.
  void (*adamw)(const AdamWFactors& factors, const float* gradient, float* parameter, float* first,
                float* second, std::int64_t count) = nullptr;
  /// Updates parameter and velocity in one pass over memory; velocity is null when momentum is 0.
  void (*sgd)(const SgdFactors& factors, const float* gradient, float* parameter, float* velocity,
              std::int64_t count) = nullptr;
  /// Sum of values[i]^2, added up in f64.
  double (*sum_of_squares)(const float* values, std::int64_t count) = nullptr;
};

}  // namespace attend::backend
