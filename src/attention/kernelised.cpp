// Attention by feature maps (Katharopoulos et al., "Transformers are RNNs", 2020): the weights are phi(q) .
// phi(k), so sums over keys can be taken before the queries are read.

#include <algorithm>

#include "attend/autograd/tape.h"
#include "attend/base/parallel.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cast.h"
#include "attend/op/matmul.h"
#include "attend/op/shape.h"
#include "attend/op/unary.h"
#include "attend/op/where.h"
#include "attention/linear.h"
#include "backend/matmul.h"
#include "tensor/visit.h"

namespace attend::attention {

namespace {

// Products inside a chunk cost chunk * (m + d) for each token, those with the running sum 2 m d.
constexpr std::int64_t kChunk = 64;

Tensor rows(const Tensor& x, std::int64_t begin, std::int64_t end) {
  Shape shape = x.shape();
  shape.set(2, end - begin);
  return x.view_as(shape, x.strides(), begin * x.strides()[2]);
}

Tensor swapped(const Tensor& x) {
  return x.view_as({x.dim(0), x.dim(1), x.dim(3), x.dim(2)},
                   {x.strides()[0], x.strides()[1], x.strides()[3], x.strides()[2]});
}

// Zeros above the diagonal of each matrix, or below it.
void keep_triangle(const Tensor& matrices, bool upper) {
  const std::int64_t n = matrices.dim(2);
  visit_dtype(matrices.dtype(), [&]<class T>() {
    T* const data = matrices.data<T>();
    parallel_for(matrices.dim(0) * matrices.dim(1), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin * n; i < end * n; ++i) {
        T* const row = data + i * n;
        const std::int64_t diagonal = i % n;
        if (upper)
          std::fill(row, row + diagonal, T(0));
        else
          std::fill(row + diagonal + 1, row + n, T(0));
      }
    });
  });
}

// y_i = sum_j (a_i . b_j) c_j over j <= i, or over j >= i when `after`; off the tape.
Tensor running_product(const Tensor& a, const Tensor& b, const Tensor& c, bool after) {
  const std::int64_t batch = a.dim(0), heads = a.dim(1), length = a.dim(2), m = a.dim(3), d = c.dim(3);
  const Tensor y = Tensor::empty({batch, heads, length, d}, a.dtype());
  const Tensor sum = Tensor::zeros({batch, heads, m, d}, a.dtype());
  const std::int64_t chunks = (length + kChunk - 1) / kChunk;
  const backend::MatmulOptions adding = {.bias = {}, .accumulate = true};
  for (std::int64_t i = 0; i < chunks; ++i) {
    const std::int64_t begin = (after ? chunks - 1 - i : i) * kChunk, end = std::min(begin + kChunk, length);
    const Tensor queries = rows(a, begin, end), keys = rows(b, begin, end), values = rows(c, begin, end);
    const Tensor weights = Tensor::empty({batch, heads, end - begin, end - begin}, a.dtype());
    backend::matmul(queries, swapped(keys), weights);
    keep_triangle(weights, after);
    const Tensor part = Tensor::empty({batch, heads, end - begin, d}, a.dtype());
    backend::matmul(weights, values, part);
    if (i > 0) backend::matmul(queries, sum, part, adding);
    if (i + 1 < chunks) backend::matmul(swapped(keys), values, sum, adding);
    rows(y, begin, end).copy_from(part);
  }
  return y;
}

Tensor dense(const Tensor& x) {
  return x.is_contiguous() ? x.detach() : x.clone();
}

}  // namespace

Tensor kernelised_features(const Tensor& x) {
  const Tensor zero = Tensor::zeros({}, x.dtype());
  return op::add(op::maximum(x, zero), op::exp(op::minimum(x, zero)));
}

Tensor with_ones(const Tensor& value) {
  Shape column = value.shape();
  column.set(-1, 1);
  return op::concatenate({value, Tensor::full(column, 1, value.dtype())}, -1);
}

Tensor normalised(const Tensor& sums) {
  const std::int64_t d = sums.dim(-1) - 1;
  const Tensor total = op::slice(sums, -1, d, d + 1);
  const Tensor zero = Tensor::zeros({}, sums.dtype()), one = Tensor::full({}, 1, sums.dtype());
  const double least = sums.dtype() == DType::f64 ? 1e-290 : 1e-30;
  const autograd::Tensors parts = [&] {
    // Whether the sum counts, and the sum as a constant or 1.
    const autograd::NoGrad no_grad;
    const Tensor counts = op::cast(
        op::maximum(op::subtract(total, Tensor::full({}, least, sums.dtype())), zero), DType::boolean);
    return autograd::Tensors{counts, op::where(counts, total, one)};
  }();
  // Dividing by the constant first keeps the square of a small sum out of the backward pass.
  const Tensor scaled = op::divide(op::where(parts[0], sums, zero), parts[1]);
  return op::divide(op::slice(scaled, -1, 0, d), op::where(parts[0], op::slice(scaled, -1, d, d + 1), one));
}

Tensor causal_product(const Tensor& a, const Tensor& b, const Tensor& c) {
  const Tensor queries = dense(a), keys = dense(b), values = dense(c);
  const Tensor y = running_product(queries, keys, values, false);
  if (autograd::is_recording({a, b, c}))
    // Each gradient is again such a sum: that of b_j is the sum over i >= j of (c_j . g_i) a_i.
    autograd::record("causal_product", {a, b, c}, {y},
                     [queries, keys, values](const autograd::Tensors& cotangents) {
                       const Tensor g = dense(cotangents[0]);
                       return autograd::Tensors{running_product(g, values, keys, false),
                                                running_product(values, g, queries, true),
                                                running_product(keys, queries, g, true)};
                     });
  return y;
}

Tensor feature_attention(const FeaturePair& features, const Tensor& value, bool causal) {
  const Tensor& query = features.query;
  const std::int64_t heads = query.dim(1), queries = query.dim(2), keys = features.key.dim(2);
  const Tensor key = features.key, values = with_ones(value);
  const auto read_all = [&](const Tensor& q, const Tensor& k, const Tensor& v) {
    return op::matmul(q, repeated_heads(op::matmul(op::transpose(k), v), heads));
  };
  if (!causal) return normalised(read_all(query, key, values));
  // Both sequences end together: the first keys are seen by all queries, or the first queries see none.
  const std::int64_t common = std::min(queries, keys);
  const Tensor q = op::slice(query, 2, queries - common, queries);
  const auto last = [&](const Tensor& x) {
    return repeated_heads(op::slice(x, 2, keys - common, keys), heads);
  };
  Tensor sums = causal_product(q, last(key), last(values));
  if (keys > common)
    sums = op::add(sums,
                   read_all(q, op::slice(key, 2, 0, keys - common), op::slice(values, 2, 0, keys - common)));
  const Tensor answer = normalised(sums);
  if (queries == common) return answer;
  const Tensor zeros = Tensor::zeros({query.dim(0), heads, queries - common, value.dim(3)}, value.dtype());
  return op::concatenate({zeros, answer}, 2);
}

}  // namespace attend::attention
