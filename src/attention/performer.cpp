// Positive orthogonal random features (Choromanski et al., "Rethinking Attention with Performers", 2021):
// exp(q . k) is the mean over Gaussian w of exp(w . q - |q|^2 / 2) exp(w . k - |k|^2 / 2).

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <tuple>
#include <vector>

#include "attend/autograd/tape.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/reduce.h"
#include "attend/op/shape.h"
#include "attend/op/unary.h"
#include "attend/op/where.h"
#include "attention/linear.h"
#include "attention/steps.h"
#include "tensor/visit.h"

namespace attend::attention {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Normal numbers by the method of Box and Muller.
std::vector<double> gaussian(std::int64_t count, const RandomStream& stream) {
  std::vector<double> numbers;
  numbers.reserve(static_cast<std::size_t>(count) + 4);
  for (std::uint64_t group = 0; static_cast<std::int64_t>(numbers.size()) < count; ++group) {
    const auto words = stream.words(group);
    for (std::size_t pair = 0; pair < 2; ++pair) {
      // (word + 1/2) / 2^32 is never 0, whose logarithm is infinite.
      const double radius = std::sqrt(-2 * std::log((words[2 * pair] + 0.5) * 0x1p-32));
      const double angle = 2 * std::numbers::pi * (words[2 * pair + 1] + 0.5) * 0x1p-32;
      numbers.push_back(radius * std::cos(angle));
      numbers.push_back(radius * std::sin(angle));
    }
  }
  numbers.resize(static_cast<std::size_t>(count));
  return numbers;
}

double dot(const double* a, const double* b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// Modified Gram-Schmidt on rows of unit length, twice, which keeps them orthogonal to rounding.
void orthogonalise(double* block, std::int64_t count, std::int64_t dim) {
  for (std::int64_t r = 0; r < count; ++r) {
    double* const row = block + r * dim;
    for (int pass = 0; pass < 2; ++pass)
      for (std::int64_t s = 0; s < r; ++s) {
        const double* const other = block + s * dim;
        const double along = dot(row, other, dim);
        for (std::int64_t i = 0; i < dim; ++i) row[i] -= along * other[i];
      }
    const double length = std::sqrt(dot(row, row, dim));
    for (std::int64_t i = 0; i < dim; ++i) row[i] /= length;
  }
}

std::vector<double> orthogonal_rows(std::int64_t count, std::int64_t dim, std::uint64_t seed) {
  std::vector<double> rows = gaussian(count * dim, {seed, 0});
  const std::vector<double> lengths = gaussian(count * dim, {seed, 1});
  for (std::int64_t first = 0; first < count; first += dim)
    orthogonalise(rows.data() + first * dim, std::min(dim, count - first), dim);
  for (std::int64_t r = 0; r < count; ++r) {
    const double* const vector = lengths.data() + r * dim;
    const double length = std::sqrt(dot(vector, vector, dim));
    for (std::int64_t i = 0; i < dim; ++i) rows[static_cast<std::size_t>(r * dim + i)] *= length;
  }
  return rows;
}

// The largest exponent along an axis, off the tape: a factor of phi that cancels. 0 where there is nothing
// but -infinity.
Tensor largest(const Tensor& exponents, int axis) {
  const autograd::NoGrad no_grad;
  const Tensor result = op::maximum(exponents.detach(), {.axes = {axis}, .keep_axes = true}).clone();
  visit_dtype(result.dtype(), [&]<class T>() {
    T* const data = result.data<T>();
    for (std::int64_t i = 0; i < result.elements(); ++i)
      if (convert<double>(data[i]) == -kInfinity) data[i] = convert<T>(0.0);
  });
  return result;
}

}  // namespace

Tensor orthogonal_features(const Gather& gather, std::int64_t dim, DType dtype) {
  // The layers of a model ask for the same rows at every step.
  struct Memo {
    std::tuple<std::int64_t, std::int64_t, std::uint64_t> of = {0, 0, 0};
    Tensor rows;
  };
  static thread_local Memo memo;
  const std::tuple wanted{gather.features, dim, gather.seed};
  if (!memo.rows.defined() || memo.of != wanted) {
    memo.rows = Tensor::from(orthogonal_rows(gather.features, dim, gather.seed), {gather.features, dim});
    memo.of = wanted;
  }
  return op::cast(memo.rows, dtype);
}

Tensor random_feature_exponents(const Tensor& x, const Gather& gather, double scale) {
  const Tensor scaled = op::scale(x, std::sqrt(scale));
  const Tensor rows = orthogonal_features(gather, x.dim(-1), x.dtype());
  const Tensor half = op::scale(op::sum(op::square(scaled), {.axes = {-1}, .keep_axes = true}), 0.5);
  return op::subtract(op::matmul(scaled, op::transpose(rows)), half);
}

FeaturePair features_of(const LinearInputs& inputs, const Tensor& counts, const AttentionSpec& spec,
                        const Tensor& exponent_before) {
  if (spec.gather.kind == Gather::Kind::kernelised) {
    const Tensor key = kernelised_features(inputs.key);
    return {kernelised_features(inputs.query),
            counts.defined() ? op::where(counts, key, Tensor::zeros({}, key.dtype())) : key,
            {}};
  }
  const double scale = score_scale(spec, inputs.query.dim(3));
  Tensor key = random_feature_exponents(inputs.key, spec.gather, scale);
  if (counts.defined()) key = op::where(counts, key, Tensor::full({}, -kInfinity, key.dtype()));
  Tensor exponent = largest(key, 2);
  if (exponent_before.defined()) exponent = op::maximum(exponent, exponent_before);
  // What is taken off the keys' features is given to the queries', and the largest of those is taken off
  // again. So each feature of some key and some feature of each query are 1, and their sum over all keys
  // cannot underflow.
  const Tensor query = op::add(random_feature_exponents(inputs.query, spec.gather, scale),
                               repeated_heads(exponent, inputs.query.dim(1)));
  return {op::exp(op::subtract(query, largest(query, 3))), op::exp(op::subtract(key, exponent)), exponent};
}

}  // namespace attend::attention
