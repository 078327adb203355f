#include "attention/additive.h"

#include <fmt/format.h>

#include <atomic>
#include <cmath>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/op/cast.h"
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

Tensor units_of_keys(const Tensor& key, std::int64_t heads, std::int64_t hidden,
                     const Parameters& parameters) {
  return projected_by_head(
      key, learned(parameters.key_weight, "key_weight", {heads, hidden, key.dim(3)}, key.dtype()));
}

}  // namespace

Tensor prepared_keys(const Tensor& key, std::int64_t heads, const AttentionSpec& spec,
                     const Parameters& parameters) {
  if (spec.score.kind != Score::Kind::additive || spec.gather.kind != Gather::Kind::weighted_sum) return key;
  if (key.rank() != 4 || !parameters.vector.defined() || parameters.vector.rank() != 2)
    throw Error(fmt::format(
        "attention: keys {} to be prepared: [batch, keys, key heads, d] and the parameter vector needed",
        key.text()));
  // In the dtype of the keys, for they go on as keys.
  return units_of_keys(key, heads, parameters.vector.dim(1), parameters);
}

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
  x.query = projected_by_head(op::cast(x.query, wide), learned(run.parameters.query_weight, "query_weight",
                                                               {heads, hidden, x.query.dim(3)}, wide));
  x.key = op::cast(x.key, wide);
  if (!run.keys_are_prepared)
    x.key = units_of_keys(x.key, heads, hidden, run.parameters);
  else if (x.key.dim(2) == heads && x.key.dim(3) == hidden)
    x.key = op::contiguous(x.key);
  else
    throw Error(fmt::format("attention: prepared keys {}, [batch, keys, {}, {}] needed", x.key.text(), heads,
                            hidden));
  if (x.value.dim(2) != heads) x.value = op::contiguous(op::permute(by_head(x.value, heads), {0, 2, 1, 3}));
  constexpr double kMost = backend::AttentionShape::kMostExponent;
  x.exponentials = is_within(x.query, kMost) && is_within(x.key, kMost);
}

}  // namespace attend::attention
