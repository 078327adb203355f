#include <algorithm>
#include <cmath>
#include <limits>

#include "attend/attention/attend.h"
#include "attend/base/parallel.h"
#include "attention/fused.h"
#include "backend/cast.h"
#include "backend/matmul.h"

namespace attend::attention {

namespace {

// Softmax of the first `count` scores of a row; the rest weighs nothing, and so does everything when no score
// is finite.
template <class T>
void softmax_row(T* row, std::int64_t count, std::int64_t columns) {
  T best = -std::numeric_limits<T>::infinity();
  for (std::int64_t j = 0; j < count; ++j) best = row[j] > best ? row[j] : best;
  double total = 0;
  for (std::int64_t j = 0; j < count; ++j) {
    row[j] = std::isinf(best) ? (row[j] != row[j] ? row[j] : T(0)) : std::exp(row[j] - best);
    total += row[j];
  }
  for (std::int64_t j = 0; j < count; ++j) row[j] = total == 0 ? T(0) : static_cast<T>(row[j] / total);
  for (std::int64_t j = count; j < columns; ++j) row[j] = 0;
}

}  // namespace

Tensor weights(const Tensor& query, const Tensor& key, const AttentionSpec& spec) {
  check_operands(query, key, key, spec);
  const DType dtype = query.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const Tensor q = backend::cast(query, dtype), k = backend::cast(key, dtype);
  const std::int64_t heads = q.dim(2), group = heads / k.dim(2), queries = q.dim(1), keys = k.dim(1);
  const Tensor result = Tensor::empty({q.dim(0), heads, queries, keys}, dtype);
  if (result.elements() == 0) return result;
  for (std::int64_t b = 0; b < q.dim(0); ++b)
    for (std::int64_t h = 0; h < heads; ++h) {
      const Tensor q_rows =
          q.view_as({queries, q.dim(3)}, {q.strides()[1], 1}, b * q.strides()[0] + h * q.strides()[2]);
      const Tensor k_columns =
          k.view_as({k.dim(3), keys}, {1, k.strides()[1]}, b * k.strides()[0] + h / group * k.strides()[2]);
      backend::matmul(q_rows, k_columns,
                      result.view_as({queries, keys}, {keys, 1}, (b * heads + h) * queries * keys));
    }
  const double scale = score_scale(spec, q.dim(3));
  const auto softmax = [&]<class T>(T* rows) {
    parallel_for(q.dim(0) * heads * queries, 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const std::int64_t reach = r % queries + keys - queries + 1;
        const std::int64_t count =
            spec.place.mask == Place::Mask::causal ? std::clamp<std::int64_t>(reach, 0, keys) : keys;
        for (std::int64_t j = 0; j < count; ++j)
          rows[r * keys + j] = static_cast<T>(rows[r * keys + j] * scale);
        softmax_row(rows + r * keys, count, keys);
      }
    });
  };
  if (dtype == DType::f64)
    softmax(result.data<double>());
  else
    softmax(result.data<float>());
  return result;
}

}  // namespace attend::attention
