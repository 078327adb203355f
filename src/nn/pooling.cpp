#include "attend/nn/pooling.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "attend/base/error.h"
#include "attend/nn/padding.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attend/op/softmax.h"
#include "attend/op/where.h"

namespace attend::nn {

std::string_view name_of(PoolingKind kind) {
  switch (kind) {
    case PoolingKind::first:
      return "first";
    case PoolingKind::mean:
      return "mean";
    case PoolingKind::attention:
      break;
  }
  return "attention";
}

PoolingKind pooling_from_name(std::string_view name) {
  for (const PoolingKind kind : {PoolingKind::first, PoolingKind::mean, PoolingKind::attention})
    if (name == name_of(kind)) return kind;
  throw Error(fmt::format("pooling {}: first, mean and attention are accepted", name.substr(0, 60)));
}

Pooling::Pooling(PoolingKind kind, std::int64_t dim) : kind_(kind), dim_(dim) {
  if (dim < 1) throw Error(fmt::format("pooling of {} features: at least 1 needed", dim));
  if (kind == PoolingKind::attention) query_ = Tensor::zeros({dim});
  add_parameter("query", query_, false);
}

/// Undefined when every token is real.
Tensor Pooling::checked_mask(const Tensor& x, const Tensor& lengths) const {
  if (x.rank() != 3 || x.dim(2) != dim_ || x.dim(1) < 1)
    throw Error(
        fmt::format("pooling of x {}: [batch, length, {}] needed, a length of at least 1", x.text(), dim_));
  return lengths.defined() ? real_tokens(lengths, x.dim(0), x.dim(1)) : Tensor();
}

Tensor Pooling::weights_of(const Tensor& x, const Tensor& real) const {
  const std::int64_t batch = x.dim(0), length = x.dim(1);
  Tensor scores = Tensor::zeros({batch, length}, x.dtype());
  if (kind_ == PoolingKind::attention) {
    const Tensor query = op::reshape(op::cast(query_, x.dtype()), {dim_, 1});
    scores = op::scale(op::reshape(op::matmul(x, query), {batch, length}),
                       1 / std::sqrt(static_cast<double>(dim_)));
  }
  const Tensor never = Tensor::full({}, -std::numeric_limits<double>::infinity(), x.dtype());
  return op::softmax(real.defined() ? op::where(real, scores, never) : scores);
}

namespace {

/// In f32 (f64), with zeros at padding: a NaN there, times a weight of 0, would spoil the row.
Tensor clean(const Tensor& x, const Tensor& real) {
  const DType dtype = x.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const Tensor wide = op::cast(x, dtype);
  if (!real.defined()) return wide;
  return op::where(op::reshape(real, {x.dim(0), x.dim(1), 1}), wide, Tensor::zeros({}, dtype));
}

}  // namespace

Tensor Pooling::forward(const Tensor& x, const Tensor& lengths) const {
  const Tensor real = checked_mask(x, lengths);
  if (kind_ == PoolingKind::first) return op::reshape(op::slice(x, 1, 0, 1), {x.dim(0), dim_});
  const Tensor values = clean(x, real);
  const Tensor shares = op::reshape(weights_of(values, real), {x.dim(0), 1, x.dim(1)});
  return op::cast(op::reshape(op::matmul(shares, values), {x.dim(0), dim_}), x.dtype());
}

Tensor Pooling::weights(const Tensor& x, const Tensor& lengths) const {
  const Tensor real = checked_mask(x, lengths);
  if (kind_ != PoolingKind::first) return weights_of(clean(x, real), real);
  const Tensor first = Tensor::zeros({x.dim(0), x.dim(1)}, x.dtype() == DType::f64 ? DType::f64 : DType::f32);
  const Tensor ones = Tensor::full({x.dim(0), 1}, 1, first.dtype());
  first.view_as({x.dim(0), 1}, {x.dim(1), 1}).copy_from(ones);
  return first;
}

}  // namespace attend::nn
