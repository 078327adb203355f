#include "attend/attention/recurrent.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attend/op/unary.h"
#include "attention/linear.h"
#include "attention/validate.h"

namespace attend::attention {

namespace {

DType dtype_of_sums(DType dtype) {
  return dtype == DType::f64 ? DType::f64 : DType::f32;
}

}  // namespace

RecurrentState::RecurrentState(std::int64_t batch, std::int64_t key_heads, std::int64_t dim,
                               std::int64_t value_dim, DType dtype, const AttentionSpec& spec)
    : spec_(spec), dtype_(dtype), dim_(dim) {
  const bool kernelised = spec.gather.kind == Gather::Kind::kernelised;
  if ((!kernelised && spec.gather.kind != Gather::Kind::performer) || spec.place.mask != Place::Mask::causal)
    throw Error("recurrent state of attention: only causal kernelised and performer attention have one");
  validate(spec);
  if (batch < 1 || key_heads < 1 || dim < 1 || value_dim < 1 || !is_floating(dtype))
    throw Error(
        fmt::format("recurrent state of batch {}, heads {}, d {} and {}, {}: sizes from 1, f32, bf16 or f64",
                    batch, key_heads, dim, value_dim, attend::name_of(dtype)));
  const std::int64_t features = kernelised ? dim : spec.gather.features;
  sums_ = Tensor::zeros({batch, key_heads, features, value_dim + 1}, dtype_of_sums(dtype));
}

std::int64_t RecurrentState::bytes() const {
  return sums_.elements() * static_cast<std::int64_t>(size_of(sums_.dtype()));
}

Tensor RecurrentState::step(const Tensor& query, const Tensor& key, const Tensor& value) {
  const autograd::NoGrad no_grad;
  const std::int64_t batch = sums_.dim(0), key_heads = sums_.dim(1), value_dim = sums_.dim(3) - 1;
  for (const Tensor* tensor : {&query, &key, &value})
    if (tensor->rank() != 4 || tensor->dtype() != dtype_ || tensor->dim(0) != batch || tensor->dim(1) < 1 ||
        tensor->dim(1) != query.dim(1) || tensor->dim(2) % key_heads != 0 ||
        tensor->dim(3) != (tensor == &value ? value_dim : dim_) ||
        (tensor != &query && tensor->dim(2) != key_heads))
      throw Error(fmt::format(
          "recurrent state of batch {}, heads {}, d {} and {}, {}: query {}, key {}, value {}", batch,
          key_heads, dim_, value_dim, attend::name_of(dtype_), query.text(), key.text(), value.text()));
  const auto by_head = [&](const Tensor& x) { return op::permute(op::cast(x, sums_.dtype()), {0, 2, 1, 3}); };
  const LinearInputs inputs = {by_head(query), by_head(key), by_head(value)};
  const FeaturePair features = features_of(inputs, {}, spec_, exponent_);
  Tensor past = sums_;
  if (exponent_.defined())
    past = op::multiply(past, op::exp(op::transpose(op::subtract(exponent_, features.key_exponent))));
  const std::int64_t heads = query.dim(2);
  const Tensor values = with_ones(inputs.value);
  const Tensor sums = op::add(
      op::matmul(features.query, repeated_heads(past, heads)),
      causal_product(features.query, repeated_heads(features.key, heads), repeated_heads(values, heads)));
  const Tensor answer = normalised(sums);
  sums_ = op::add(past, op::matmul(op::transpose(features.key), values));
  exponent_ = features.key_exponent;
  length_ += query.dim(1);
  return op::cast(op::contiguous(op::permute(answer, {0, 2, 1, 3})), dtype_);
}

}  // namespace attend::attention
