#include "attention/additive.h"

#include <fmt/format.h>

#include <atomic>
#include <cmath>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attention/kernel_work.h"
#include "attention/learned.h"
#include "attention/steps.h"

namespace attend::attention {

namespace {

// False for NaN too.
bool is_within(const Tensor& x, double limit) {
  std::atomic<bool> all{true};
  visit_sum_dtype(x.dtype(), [&]<class C>() {
    const C* data = x.data<C>();
    const auto most = static_cast<C>(limit);
    constexpr std::int64_t kGrain = 1 << 16;
    parallel_for(x.elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      std::int64_t within = 0;
      for (std::int64_t i = begin; i < end; ++i) within += std::abs(data[i]) <= most ? 1 : 0;
      if (within != end - begin) all = false;
    });
  });
  return all;
}

// [batch, length, heads, hidden] of x [batch, heads, length, d] and a weight [heads, hidden, d].
Tensor hidden_units(const Tensor& x, const Tensor& weight) {
  return op::contiguous(op::permute(op::matmul(x, op::transpose(weight)), {0, 2, 1, 3}));
}

}  // namespace

Tensor additive_vector(const Run& run, std::int64_t heads, DType dtype) {
  const Tensor& vector = run.parameters.vector;
  if (!vector.defined()) throw Error("attention: the parameter vector [heads, hidden] is missing");
  if (vector.rank() != 2 || vector.dim(1) < 1)
    throw Error(
        fmt::format("attention: the parameter vector is {}, [{}, hidden] needed", vector.text(), heads));
  return learned(vector, "vector", {heads, vector.dim(1)}, dtype);
}

void lower_additive(Lowered& x, const Run& run) {
  const DType wide = sum_dtype(x.query.dtype());
  const std::int64_t heads = x.query.dim(2);
  x.vector = op::contiguous(additive_vector(run, heads, wide));
  const std::int64_t hidden = x.vector.dim(1);
  x.query = hidden_units(
      by_head(op::cast(x.query, wide), heads),
      learned(run.parameters.query_weight, "query_weight", {heads, hidden, x.query.dim(3)}, wide));
  x.key = hidden_units(by_head(op::cast(x.key, wide), heads),
                       learned(run.parameters.key_weight, "key_weight", {heads, hidden, x.key.dim(3)}, wide));
  if (x.value.dim(2) != heads) x.value = op::contiguous(op::permute(by_head(x.value, heads), {0, 2, 1, 3}));
  constexpr double kMost = backend::AttentionShape::kMostExponent;
  x.exponentials = is_within(x.query, kMost) && is_within(x.key, kMost);
}

}  // namespace attend::attention
