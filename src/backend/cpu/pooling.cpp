#include "backend/pooling.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/onednn.h"

namespace attend::backend {

namespace {

using dnnl::memory;

dnnl::algorithm algorithm_of(Pool pool) {
  switch (pool) {
    case Pool::largest:
      return dnnl::algorithm::pooling_max;
    case Pool::average:
      return dnnl::algorithm::pooling_avg_include_padding;
    case Pool::average_inside:
      break;
  }
  return dnnl::algorithm::pooling_avg_exclude_padding;
}

memory::dims dims_of(const std::array<std::int64_t, 2>& pair) {
  return {pair[0], pair[1]};
}

memory::desc maps(const PoolingShape& s, const std::array<std::int64_t, 2>& size, DType dtype) {
  return {{1, s.channels, size[0], size[1]}, onednn::data_type(dtype), memory::format_tag::nhwc};
}

memory::dims padding_behind(const PoolingShape& s) {
  memory::dims result;
  for (std::size_t axis = 0; axis < 2; ++axis)
    result.push_back((s.out_size[axis] - 1) * s.stride[axis] + s.window[axis] - s.size[axis] -
                     s.padding[axis]);
  return result;
}

// One picture by one thread: where windows overlap, what oneDNN's threads add to the same place would
// otherwise come in an order of their own.
struct Plan {
  Plan(const PoolingShape& s, DType dtype, bool keep)
      : x(maps(s, s.size, dtype)), y(maps(s, s.out_size, dtype)) {
    const onednn::PlannedThreads alone(1);
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const auto kind = keep ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    forward = {{kind, algorithm_of(s.pool), x, y, dims_of(s.stride), dims_of(s.window), dims_of(s.padding),
                padding_behind(s)},
               attributes,
               onednn::engine()};
    if (keep && s.pool == Pool::largest) places = forward.workspace_desc();
  }

  dnnl::pooling_backward::primitive_desc backward(const PoolingShape& s) const {
    const onednn::PlannedThreads alone(1);
    return {{algorithm_of(s.pool), x, y, dims_of(s.stride), dims_of(s.window), dims_of(s.padding),
             padding_behind(s)},
            attributes,
            onednn::engine(),
            forward};
  }

  memory::desc x, y, places;
  dnnl::primitive_attr attributes;
  dnnl::pooling_forward::primitive_desc forward;
};

struct Picture {
  void *x, *y, *places;
};

// `x_argument` and `y_argument` say what the primitive takes the memory of x and y for.
void run(const Plan& plan, const dnnl::primitive& primitive, const memory::desc& scratchpad, int x_argument,
         int y_argument, const Picture& picture) {
  const onednn::PlannedThreads alone(1);
  const auto& engine = onednn::engine();
  std::unordered_map<int, memory> arguments = {{x_argument, {plan.x, engine, picture.x}},
                                               {y_argument, {plan.y, engine, picture.y}}};
  if (picture.places != nullptr)
    arguments.emplace(DNNL_ARG_WORKSPACE, memory(plan.places, engine, picture.places));
  if (const std::size_t bytes = scratchpad.get_size(); bytes != 0)
    arguments.emplace(DNNL_ARG_SCRATCHPAD, memory(scratchpad, engine, onednn::scratchpad(bytes)));
  primitive.execute(onednn::stream(), arguments);
  onednn::stream().wait();
}

// Picture n of a dense tensor.
void* picture_of(const Tensor& tensor, std::int64_t n) {
  if (!tensor.defined()) return nullptr;
  return static_cast<std::byte*>(tensor.raw()) +
         n * tensor.elements() / tensor.dim(0) * static_cast<std::int64_t>(size_of(tensor.dtype()));
}

template <class Run>
void for_each_picture(const Tensor& x, Run&& run) {
  constexpr std::int64_t kGrain = 1 << 14;
  const std::int64_t pictures = x.dim(0), elements = x.elements() / pictures;
  parallel_for(pictures, std::max<std::int64_t>(1, kGrain / elements),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t n = begin; n < end; ++n) run(n);
               });
}

Tensor pool_by_onednn(const PoolingShape& s, const Tensor& x, const Tensor& y, bool keep) {
  const Plan plan(s, x.dtype(), keep);
  const dnnl::pooling_forward primitive(plan.forward);
  const auto bytes = static_cast<std::int64_t>(plan.places.get_size());
  const Tensor kept = bytes > 0 ? Tensor::empty({s.batch, bytes}, DType::u8) : Tensor();
  for_each_picture(x, [&](std::int64_t n) {
    run(plan, primitive, plan.forward.scratchpad_desc(), DNNL_ARG_SRC, DNNL_ARG_DST,
        {picture_of(x, n), picture_of(y, n), picture_of(kept, n)});
  });
  return kept;
}

void gradient_by_onednn(const PoolingShape& s, const Tensor& dy, const Tensor& kept, const Tensor& dx) {
  const Plan plan(s, dy.dtype(), true);
  const auto backward = plan.backward(s);
  const dnnl::pooling_backward primitive(backward);
  for_each_picture(dx, [&](std::int64_t n) {
    run(plan, primitive, backward.scratchpad_desc(), DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_DST,
        {picture_of(dx, n), picture_of(dy, n), picture_of(kept, n)});
  });
}

// Calls visit(index of y, indices of x in its window, what it is divided by as an average) for the pictures
// in [begin, end): the definition.
template <class Visit>
void for_each_window(const PoolingShape& s, std::int64_t begin, std::int64_t end, Visit&& visit) {
  std::vector<std::int64_t> inside;
  for (std::int64_t n = begin; n < end; ++n)
    for (std::int64_t i = 0; i < s.out_size[0]; ++i)
      for (std::int64_t j = 0; j < s.out_size[1]; ++j)
        for (std::int64_t c = 0; c < s.channels; ++c) {
          inside.clear();
          for (std::int64_t a = 0; a < s.window[0]; ++a)
            for (std::int64_t b = 0; b < s.window[1]; ++b) {
              const std::int64_t row = i * s.stride[0] - s.padding[0] + a,
                                 column = j * s.stride[1] - s.padding[1] + b;
              if (row >= 0 && row < s.size[0] && column >= 0 && column < s.size[1])
                inside.push_back(((n * s.size[0] + row) * s.size[1] + column) * s.channels + c);
            }
          visit(((n * s.out_size[0] + i) * s.out_size[1] + j) * s.channels + c, inside,
                static_cast<double>(s.pool == Pool::average ? s.window[0] * s.window[1]
                                                            : static_cast<std::int64_t>(inside.size())));
        }
}

Tensor pool_by_definition(const PoolingShape& s, const Tensor& x, const Tensor& y) {
  const Tensor places = s.pool == Pool::largest ? Tensor::empty(y.shape(), DType::i64) : Tensor();
  const double* from = x.data<double>();
  parallel_for(s.batch, 1, [&](std::int64_t begin, std::int64_t end) {
    for_each_window(
        s, begin, end, [&](std::int64_t to, const std::vector<std::int64_t>& inside, double count) {
          double& result = y.data<double>()[to];
          if (s.pool == Pool::largest) {
            const auto best = std::ranges::max_element(inside, {}, [&](std::int64_t i) { return from[i]; });
            places.data<std::int64_t>()[to] = *best;
            result = from[*best];
          } else {
            double sum = 0;
            for (const std::int64_t i : inside) sum += from[i];
            result = sum / count;
          }
        });
  });
  return places;
}

void gradient_by_definition(const PoolingShape& s, const Tensor& dy, const Tensor& kept, const Tensor& dx) {
  double* to = dx.data<double>();
  std::fill_n(to, dx.elements(), 0.0);
  parallel_for(s.batch, 1, [&](std::int64_t begin, std::int64_t end) {
    for_each_window(s, begin, end,
                    [&](std::int64_t from, const std::vector<std::int64_t>& inside, double count) {
                      const double value = dy.data<double>()[from];
                      if (s.pool == Pool::largest)
                        to[kept.data<std::int64_t>()[from]] += value;
                      else
                        for (const std::int64_t i : inside) to[i] += value / count;
                    });
  });
}

// oneDNN pools bf16 from AVX-512 on.
bool is_wide(const Tensor& tensor) {
  return tensor.dtype() == DType::bf16 && active_isa() < Isa::avx512_bf16;
}

}  // namespace

Tensor pooling(const PoolingShape& shape, const Tensor& x, const Tensor& y, bool keep) {
  if (x.dtype() == DType::f64) return pool_by_definition(shape, x, y);
  try {
    if (!is_wide(x)) return pool_by_onednn(shape, x, y, keep);
    const Tensor result = Tensor::empty(y.shape());
    const Tensor kept = pool_by_onednn(shape, cast(x, DType::f32), result, keep);
    y.copy_from(cast(result, DType::bf16));
    return kept;
  } catch (const dnnl::error& error) {
    throw Error(fmt::format("oneDNN says {}", error.what()));
  }
}

void pooling_input_gradient(const PoolingShape& shape, const Tensor& dy, const Tensor& kept,
                            const Tensor& dx) {
  if (dy.dtype() == DType::f64) return gradient_by_definition(shape, dy, kept, dx);
  try {
    if (!is_wide(dy)) return gradient_by_onednn(shape, dy, kept, dx);
    const Tensor result = Tensor::empty(dx.shape());
    gradient_by_onednn(shape, cast(dy, DType::f32), kept, result);
    dx.copy_from(cast(result, DType::bf16));
  } catch (const dnnl::error& error) {
    throw Error(fmt::format("oneDNN says {}", error.what()));
  }
}

}  // namespace attend::backend
