#include "attend/op/gather.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "op/view.h"
#include "tensor/visit.h"

namespace attend::op {

namespace {

// x as [outer, n, inner] and the result as [outer, m, inner]. The indices are i64, [m] when they are shared
// by all outer and inner places, [outer, m, inner] otherwise.
struct Plan {
  std::int64_t outer = 1, n = 0, m = 0, inner = 1;
  bool is_shared = true;
  Shape x_shape, result;
  Tensor indices;
};

Plan plan_of(const Tensor& x, int axis, const Tensor& indices) {
  const auto fail = [&](std::string_view why) {
    throw Error(
        fmt::format("gather of {} along axis {} by indices {}: {}", x.text(), axis, indices.text(), why));
  };
  if (indices.dtype() != DType::i32 && indices.dtype() != DType::i64) fail("i32 or i64 indices needed");
  if (indices.rank() != x.rank()) fail("indices of x's rank needed");
  const int place = x.shape().normalise(axis);
  Plan plan;
  plan.x_shape = plan.result = x.shape();
  plan.n = x.shape()[place];
  plan.m = indices.shape()[place];
  plan.result.set(place, plan.m);
  for (int i = 0; i < x.rank(); ++i) {
    if (i == place) continue;
    (i < place ? plan.outer : plan.inner) *= x.shape()[i];
    if (indices.shape()[i] != 1 && indices.shape()[i] != x.shape()[i])
      fail("on the other axes the sizes must be x's, or 1");
    plan.is_shared = plan.is_shared && indices.shape()[i] == 1;
  }
  plan.indices =
      dense(backend::cast(plan.is_shared ? indices : expanded(indices, plan.result), DType::i64)).detach();
  // The caller may reuse the memory of the indices before backward reads them.
  if (plan.indices.storage() == indices.storage()) plan.indices = plan.indices.clone();
  const std::int64_t* index = plan.indices.data<std::int64_t>();
  for (std::int64_t i = 0; i < plan.indices.elements(); ++i)
    if (index[i] < 0 || index[i] >= plan.n) fail(fmt::format("index {} is not in [0, {})", index[i], plan.n));
  return plan;
}

Tensor picked(const Tensor& input, const Plan& plan) {
  constexpr std::int64_t kGrain = 1 << 14;
  const Tensor x = dense(input), y = Tensor::empty(plan.result, x.dtype());
  if (y.elements() == 0) return y;
  const std::int64_t* index = plan.indices.data<std::int64_t>();
  const std::int64_t rows = plan.outer * plan.m, inner = plan.inner;
  visit_word(x.dtype(), [&]<class Word>() {
    const Word* from = static_cast<const Word*>(x.raw());
    Word* to = static_cast<Word*>(y.raw());
    parallel_for(rows, std::max<std::int64_t>(1, kGrain / inner), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const Word* source = from + row / plan.m * plan.n * inner;
        if (plan.is_shared)
          std::memcpy(to + row * inner, source + index[row % plan.m] * inner,
                      static_cast<std::size_t>(inner) * sizeof(Word));
        else
          for (std::int64_t k = 0; k < inner; ++k)
            to[row * inner + k] = source[index[row * inner + k] * inner + k];
      }
    });
  });
  return y;
}

// The transpose of picked(). Each thread owns a part of the outer or inner places, in which the order of
// additions is that of the indices.
Tensor scattered(const Tensor& gradient, const Plan& plan) {
  constexpr std::int64_t kGrain = 1 << 14;
  const DType dtype = gradient.dtype();
  const Tensor dy = dense(backend::cast(gradient, dtype == DType::f64 ? DType::f64 : DType::f32));
  const Tensor dx = Tensor::zeros(plan.x_shape, dy.dtype());
  if (dy.elements() == 0) return backend::cast(dx, dtype);
  const std::int64_t* index = plan.indices.data<std::int64_t>();
  const std::int64_t inner = plan.inner, width = std::min<std::int64_t>(inner, 256);
  const std::int64_t parts = (inner + width - 1) / width;
  const auto run = [&]<class T>() {
    const T* from = dy.data<T>();
    T* to = dx.data<T>();
    const std::int64_t grain = std::max<std::int64_t>(1, kGrain / (plan.m * width));
    parallel_for(plan.outer * parts, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t piece = begin; piece < end; ++piece) {
        const std::int64_t o = piece / parts, first = piece % parts * width,
                           last = std::min(first + width, inner);
        for (std::int64_t j = 0; j < plan.m; ++j) {
          const std::int64_t row = (o * plan.m + j) * inner;
          for (std::int64_t k = first; k < last; ++k) {
            const std::int64_t place = plan.is_shared ? index[j] : index[row + k];
            to[(o * plan.n + place) * inner + k] += from[row + k];
          }
        }
      }
    });
  };
  if (dy.dtype() == DType::f64)
    run.operator()<double>();
  else
    run.operator()<float>();
  return backend::cast(dx, dtype);
}

}  // namespace

Tensor gather(const Tensor& x, int axis, const Tensor& indices) {
  const Plan plan = plan_of(x, axis, indices);
  const Tensor y = picked(x, plan);
  if (autograd::is_recording({x}))
    autograd::record("gather", {x}, {y}, [plan](const autograd::Tensors& gradients) {
      return autograd::Tensors{scattered(gradients[0], plan)};
    });
  return y;
}

}  // namespace attend::op
