#include "backend/kernels/optimizer.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

void adamw(const backend::AdamWFactors& factors, const float* gradient, float* parameter, float* first,
           float* second, std::int64_t count) {
  const backend::AdamWFactors f = factors;
  const float rest1 = 1.0f - f.beta1, rest2 = 1.0f - f.beta2;
  for_each_vector<float>(count, [&](std::int64_t i, std::int64_t n) {
    const F32 g = load_some(gradient + i, n) * f.gradient_scale;
    const F32 m = load_some(first + i, n) * f.beta1 + g * rest1;
    const F32 v = load_some(second + i, n) * f.beta2 + g * g * rest2;
    const F32 size = sqrt(v) * f.second_correction + f.epsilon;
    const F32 p = load_some(parameter + i, n) * f.keep - m / size * f.step_size;
    store_some(first + i, m, n);
    store_some(second + i, v, n);
    store_some(parameter + i, p, n);
  });
}

void sgd(const backend::SgdFactors& factors, const float* gradient, float* parameter, float* velocity,
         std::int64_t count) {
  const backend::SgdFactors f = factors;
  for_each_vector<float>(count, [&](std::int64_t i, std::int64_t n) {
    const F32 p = load_some(parameter + i, n);
    const F32 g = load_some(gradient + i, n) * f.gradient_scale + p * f.decay;
    F32 direction = g;
    if (velocity != nullptr) {
      const F32 v = load_some(velocity + i, n) * f.momentum + g;
      store_some(velocity + i, v, n);
      direction = f.nesterov ? g + v * f.momentum : v;
    }
    store_some(parameter + i, p - direction * f.learning_rate, n);
  });
}

double sum_of_squares(const float* values, std::int64_t count) {
  typedef float Half __attribute__((vector_size(kVectorBytes / 2)));
  constexpr int half = kLanes<float> / 2;
  F64 low{}, high{};
  for_each_vector<float>(count, [&](std::int64_t i, std::int64_t n) {
    const F32 v = load_some(values + i, n);
    Half parts[2];
    static_assert(sizeof parts == sizeof v && half == kLanes<double>);
    __builtin_memcpy(parts, &v, sizeof v);
    const F64 a = __builtin_convertvector(parts[0], F64), b = __builtin_convertvector(parts[1], F64);
    low += a * a;
    high += b * b;
  });
  return sum_lanes<double>(low + high);
}

}  // namespace

void fill(backend::OptimizerKernels& kernels) {
  kernels.adamw = adamw;
  kernels.sgd = sgd;
  kernels.sum_of_squares = sum_of_squares;
}

}  // namespace attend::ATTEND_ISA
