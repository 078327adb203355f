#include "backend/convolution.h"

#include <algorithm>

#include "attend/base/parallel.h"
#include "backend/cast.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/onednn_convolution.h"

namespace attend::backend {

namespace {

using onednn::ConvolutionPass;

// Calls visit(y's index, x's index, weight's index) of f32 or f64 numbers that meet, for the pictures in
// [begin, end): the definition, in a fixed order.
template <class Visit>
void for_each_product(const ConvolutionShape& s, std::int64_t begin, std::int64_t end, Visit&& visit) {
  const std::int64_t in = s.in / s.groups, out = s.out / s.groups;
  for (std::int64_t n = begin; n < end; ++n)
    for (std::int64_t i = 0; i < s.out_size[0]; ++i)
      for (std::int64_t j = 0; j < s.out_size[1]; ++j)
        for (std::int64_t a = 0; a < s.kernel[0]; ++a)
          for (std::int64_t b = 0; b < s.kernel[1]; ++b) {
            const std::int64_t row = i * s.stride[0] - s.padding[0] + a * s.dilation[0],
                               column = j * s.stride[1] - s.padding[1] + b * s.dilation[1];
            if (row < 0 || row >= s.size[0] || column < 0 || column >= s.size[1]) continue;
            for (std::int64_t o = 0; o < s.out; ++o)
              for (std::int64_t c = 0; c < in; ++c)
                visit(((n * s.out_size[0] + i) * s.out_size[1] + j) * s.out + o,
                      ((n * s.size[0] + row) * s.size[1] + column) * s.in + o / out * in + c,
                      ((o * in + c) * s.kernel[0] + a) * s.kernel[1] + b);
          }
}

void zero(const Tensor& tensor) {
  std::fill_n(tensor.data<double>(), tensor.elements(), 0.0);
}

// Without bf16 dot products oneDNN would emulate them, slower than f32.
bool is_wide(const Tensor& tensor) {
  return tensor.dtype() == DType::bf16 && active_isa() < Isa::avx512_bf16;
}

Tensor wide(const Tensor& tensor) {
  return cast(tensor, DType::f32);
}

onednn::ConvolutionWork work_of(ConvolutionPass pass, const ConvolutionShape& shape, const Tensor& x,
                                const Tensor& weight, const Tensor& y) {
  return {.pass = pass,
          .shape = shape,
          .dtype = x.dtype(),
          .x = x.raw(),
          .y = y.raw(),
          .weight = weight.raw(),
          .bias = nullptr};
}

}  // namespace

void convolution(const ConvolutionShape& shape, const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const Tensor& y) {
  if (is_wide(x)) {
    const Tensor result = Tensor::empty(y.shape());
    convolution(shape, wide(x), wide(weight), bias, result);
    return y.copy_from(cast(result, DType::bf16));
  }
  if (x.dtype() != DType::f64) {
    auto work = work_of(ConvolutionPass::forward, shape, x, weight, y);
    if (bias.defined()) work.bias = bias.data<float>();
    return onednn::convolve(work);
  }
  const double *px = x.data<double>(), *pw = weight.data<double>();
  double* py = y.data<double>();
  for (std::int64_t i = 0; i < y.elements(); ++i)
    py[i] = bias.defined() ? bias.data<double>()[i % shape.out] : 0;
  parallel_for(shape.batch, 1, [&](std::int64_t begin, std::int64_t end) {
    for_each_product(shape, begin, end, [&](std::int64_t to, std::int64_t from, std::int64_t with) {
      py[to] += px[from] * pw[with];
    });
  });
}

void convolution_input_gradient(const ConvolutionShape& shape, const Tensor& dy, const Tensor& weight,
                                const Tensor& dx) {
  if (is_wide(dy)) {
    const Tensor result = Tensor::empty(dx.shape());
    convolution_input_gradient(shape, wide(dy), wide(weight), result);
    return dx.copy_from(cast(result, DType::bf16));
  }
  if (dy.dtype() != DType::f64)
    return onednn::convolve(work_of(ConvolutionPass::input_gradient, shape, dx, weight, dy));
  zero(dx);
  const double *py = dy.data<double>(), *pw = weight.data<double>();
  double* px = dx.data<double>();
  parallel_for(shape.batch, 1, [&](std::int64_t begin, std::int64_t end) {
    for_each_product(shape, begin, end, [&](std::int64_t to, std::int64_t from, std::int64_t with) {
      px[from] += py[to] * pw[with];
    });
  });
}

void convolution_weight_gradient(const ConvolutionShape& shape, const Tensor& x, const Tensor& dy,
                                 const Tensor& dweight) {
  if (is_wide(x)) return convolution_weight_gradient(shape, wide(x), wide(dy), dweight);
  if (x.dtype() == DType::f64) {
    zero(dweight);
    const double *px = x.data<double>(), *py = dy.data<double>();
    double* pw = dweight.data<double>();
    return for_each_product(
        shape, 0, shape.batch,
        [&](std::int64_t to, std::int64_t from, std::int64_t with) { pw[with] += px[from] * py[to]; });
  }
  // Left to itself, oneDNN shares the sum over pictures among as many threads as there are. Here the pictures
  // are cut by their number alone, each part is one thread's, and the parts are added in order.
  constexpr std::int64_t kMaxParts = 16;
  const std::int64_t each = (shape.batch + kMaxParts - 1) / kMaxParts,
                     parts = (shape.batch + each - 1) / each;
  const auto width = static_cast<std::int64_t>(size_of(x.dtype()));
  const std::int64_t weights = dweight.elements();
  const Tensor sums = parts == 1 ? dweight : Tensor::empty({parts, weights});
  parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      ConvolutionShape some = shape;
      some.batch = std::min(each, shape.batch - part * each);
      onednn::convolve(
          {.pass = ConvolutionPass::weight_gradient,
           .shape = some,
           .dtype = x.dtype(),
           .x = static_cast<std::byte*>(x.raw()) + part * each * x.elements() / shape.batch * width,
           .y = static_cast<std::byte*>(dy.raw()) + part * each * dy.elements() / shape.batch * width,
           .weight = sums.data<float>() + part * weights,
           .bias = nullptr});
    }
  });
  if (parts == 1) return;
  constexpr std::int64_t kGrain = 4096;
  parallel_for(weights, kGrain, [&](std::int64_t begin, std::int64_t end) {
    const float* from = sums.data<float>();
    float* to = dweight.data<float>();
    std::copy(from + begin, from + end, to + begin);
    for (std::int64_t part = 1; part < parts; ++part)
      for (std::int64_t i = begin; i < end; ++i) to[i] += from[part * weights + i];
  });
}

}  // namespace attend::backend
