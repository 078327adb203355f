#include "attention/score_function_operation.h"

#include "attend/autograd/tape.h"
#include "attend/op/arithmetic.h"
#include "backend/cast.h"

namespace attend::attention {

namespace {

template <class Body>
void for_each_matrix(const Tensor& scores, const Body& body) {
  const std::int64_t queries = scores.dim(2), keys = scores.dim(3);
  for (std::int64_t b = 0; b < scores.dim(0); ++b)
    for (std::int64_t h = 0; h < scores.dim(1); ++h)
      body(
          ScoreBlock{
              .batch = b, .head = h, .queries = queries, .keys = keys, .query_stride = keys, .key_stride = 1},
          (b * scores.dim(1) + h) * queries * keys);
}

}  // namespace

Tensor apply_score_function(const Tensor& scores, const std::shared_ptr<const ScoreFunction>& function) {
  const bool is_double = scores.dtype() == DType::f64;
  Tensor before = scores.detach();
  if (!is_double && before.dtype() != DType::f32) before = backend::cast(before, DType::f32);
  if (!before.is_contiguous()) before = before.clone();
  const Tensor after = before.clone();
  for_each_matrix(after, [&](const ScoreBlock& block, std::int64_t offset) {
    if (is_double)
      function->apply(block, after.data<double>() + offset);
    else
      function->apply(block, after.data<float>() + offset);
  });
  const Tensor result = after.dtype() == scores.dtype() ? after : backend::cast(after, scores.dtype());
  if (autograd::is_recording({scores}))
    autograd::record(
        "score_function", {scores}, {result},
        [before, function, is_double, dtype = scores.dtype()](const autograd::Tensors& g) {
          const Tensor slope = Tensor::empty(before.shape(), before.dtype());
          for_each_matrix(slope, [&](const ScoreBlock& block, std::int64_t offset) {
            if (is_double)
              function->derivative(block, before.data<double>() + offset, slope.data<double>() + offset);
            else
              function->derivative(block, before.data<float>() + offset, slope.data<float>() + offset);
          });
          return autograd::Tensors{op::multiply(g[0], backend::cast(slope, dtype))};
        });
  return result;
}

}  // namespace attend::attention
