#include "attend/nn/spectral_norm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/nn/initialise.h"
#include "attend/op/arithmetic.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"

namespace attend::nn {

namespace {

constexpr double kLeastNorm = 1e-12;
constexpr std::int64_t kFirstSteps = 15;
constexpr std::int64_t kColumnsAtOnce = 64;

template <class T>
void store_direction(const Tensor& to, const std::vector<double>& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  const double norm = std::max(std::sqrt(squares), kLeastNorm);
  for (std::size_t i = 0; i < values.size(); ++i) to.data<T>()[i] = static_cast<T>(values[i] / norm);
}

/// One step of the power iteration: sums in f64, each by one thread.
template <class T>
void step(const Tensor& weight, const Tensor& u, const Tensor& v) {
  const std::int64_t rows = u.elements(), columns = v.elements();
  const T* const w = weight.data<T>();
  const T* const left = u.data<T>();
  const T* const right = v.data<T>();
  std::vector<double> of_columns(static_cast<std::size_t>(columns)), of_rows(static_cast<std::size_t>(rows));
  parallel_for(columns, kColumnsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = begin; j < end; ++j)
        of_columns[static_cast<std::size_t>(j)] +=
            static_cast<double>(w[i * columns + j]) * static_cast<double>(left[i]);
  });
  store_direction<T>(v, of_columns);
  parallel_for(rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t j = 0; j < columns; ++j)
        of_rows[static_cast<std::size_t>(i)] +=
            static_cast<double>(w[i * columns + j]) * static_cast<double>(right[j]);
  });
  store_direction<T>(u, of_rows);
}

}  // namespace

SpectralNorm::SpectralNorm(const Shape& shape, double initialisation_std, Generator& random) {
  if (shape.rank() < 2 || shape.elements() == 0)
    throw Error(
        fmt::format("spectral norm of a weight {}: at least two axes and one element needed", shape.text()));
  const std::int64_t rows = shape.dim(0), columns = shape.elements() / rows;
  weight_ = normal(shape, initialisation_std, random.next());
  u_ = normal({rows}, 1, random.next());
  v_ = Tensor::zeros({columns});
  add_parameter("weight", weight_, true);
  add_buffer("u", u_);
  add_buffer("v", v_);
  iterate(kFirstSteps);
}

void SpectralNorm::iterate(std::int64_t steps) const {
  for (std::int64_t i = 0; i < steps; ++i)
    weight_.dtype() == DType::f64 ? step<double>(weight_, u_, v_) : step<float>(weight_, u_, v_);
}

Tensor SpectralNorm::value(const Run& run) const {
  if (weight_.dtype() != DType::f32 && weight_.dtype() != DType::f64)
    throw Error(fmt::format("spectral norm of a weight {}: f32 or f64 needed", weight_.text()));
  if (run.training) iterate(1);
  const std::int64_t rows = u_.elements(), columns = v_.elements();
  // The buffers move on before a backward pass reads them.
  const Tensor left = op::reshape(u_.clone(), {1, rows}), right = op::reshape(v_.clone(), {columns, 1});
  const Tensor sigma = op::matmul(left, op::matmul(op::reshape(weight_, {rows, columns}), right));
  std::vector<std::int64_t> ones(static_cast<std::size_t>(weight_.rank()), 1);
  return op::divide(weight_, op::reshape(sigma, Shape(ones)));
}

}  // namespace attend::nn
