#include "attend/op/convolution.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/op/arithmetic.h"
#include "backend/cast.h"
#include "backend/convolution.h"
#include "op/column_sum.h"
#include "op/view.h"

namespace attend::op {

namespace {

std::array<std::int64_t, 2> pair_of(const Size2& size) {
  return {size.height, size.width};
}

struct Operands {
  const char* operation;
  const Tensor &x, &weight, &bias;

  [[noreturn]] void fail(std::string_view why) const {
    throw Error(fmt::format(
        "{} of x {}, weight {}, bias {}: {}", operation, x.defined() ? x.text() : "undefined",
        weight.defined() ? weight.text() : "undefined", bias.defined() ? bias.text() : "undefined", why));
  }
};

void check_operands(const Operands& operands) {
  const auto& [operation, x, weight, bias] = operands;
  if (!x.defined() || x.rank() != 4 || !weight.defined() || weight.rank() != 4 || x.elements() == 0 ||
      weight.elements() == 0)
    operands.fail("x [batch, height, width, channels] and a weight of four axes needed, none of size 0");
  const bool master = x.dtype() == DType::bf16 && weight.dtype() == DType::f32;
  if (!is_floating(x.dtype()) || (x.dtype() != weight.dtype() && !master))
    operands.fail("one floating dtype needed, or bf16 x with f32 weight");
}

void check_bias(const Operands& operands, std::int64_t out) {
  const DType dtype = operands.x.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const Tensor& bias = operands.bias;
  if (bias.defined() && (!(bias.shape() == Shape{out}) || bias.dtype() != dtype))
    operands.fail(fmt::format("bias {} [{}] needed", name_of(dtype), out));
}

void check_geometry(const Operands& operands, const backend::ConvolutionShape& s) {
  for (const std::size_t axis : {0, 1})
    if (s.stride[axis] < 1 || s.dilation[axis] < 1 || s.padding[axis] < 0)
      operands.fail("stride and dilation of at least 1 and padding of at least 0 needed");
  if (s.groups < 1 || s.in % s.groups != 0 || s.out % s.groups != 0)
    operands.fail(fmt::format("{} groups do not divide {} and {} channels", s.groups, s.in, s.out));
}

// The gradients of input and weight swap their parts in a transposed convolution: `maps` is what has
// shape.size, `features` what has shape.out_size.
Tensor map_gradient(const backend::ConvolutionShape& shape, const Tensor& features, const Tensor& weight) {
  const Tensor result =
      Tensor::empty({shape.batch, shape.size[0], shape.size[1], shape.in}, features.dtype());
  backend::convolution_input_gradient(shape, features, weight, result);
  return result;
}

Tensor feature_maps(const backend::ConvolutionShape& shape, const Tensor& maps, const Tensor& weight,
                    const Tensor& bias = {}) {
  const Tensor result =
      Tensor::empty({shape.batch, shape.out_size[0], shape.out_size[1], shape.out}, maps.dtype());
  backend::convolution(shape, maps, weight, bias, result);
  return result;
}

Tensor weight_gradient(const backend::ConvolutionShape& shape, const Tensor& maps, const Tensor& features,
                       const Tensor& weight, DType dtype) {
  const DType sums = maps.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const Tensor result = Tensor::empty(weight.shape(), sums);
  backend::convolution_weight_gradient(shape, maps, features, result);
  return backend::cast(result, dtype);
}

Tensor bias_gradient(const Tensor& dy) {
  const std::int64_t channels = dy.dim(-1);
  return column_sum(dy.view_as({dy.elements() / channels, channels}, {channels, 1}));
}

struct Wanted {
  bool x, weight, bias;
};

Wanted wanted_of(const Operands& operands) {
  return {autograd::requires_grad(operands.x), autograd::requires_grad(operands.weight),
          autograd::requires_grad(operands.bias)};
}

}  // namespace

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const ConvolutionOptions& options) {
  const Operands operands{"convolution", x, weight, bias};
  check_operands(operands);
  backend::ConvolutionShape shape{.batch = x.dim(0),
                                  .in = x.dim(3),
                                  .out = weight.dim(0),
                                  .groups = options.groups,
                                  .size = {x.dim(1), x.dim(2)},
                                  .kernel = {weight.dim(2), weight.dim(3)},
                                  .stride = pair_of(options.stride),
                                  .padding = pair_of(options.padding),
                                  .dilation = pair_of(options.dilation)};
  check_geometry(operands, shape);
  if (weight.dim(1) != shape.in / shape.groups)
    operands.fail(fmt::format("a weight for {} channels in {} groups is [out, {}, height, width]", shape.in,
                              shape.groups, shape.in / shape.groups));
  check_bias(operands, shape.out);
  for (const std::size_t axis : {0, 1}) {
    const std::int64_t room =
        shape.size[axis] + 2 * shape.padding[axis] - shape.dilation[axis] * (shape.kernel[axis] - 1) - 1;
    if (room < 0) operands.fail("the kernel is larger than the padded maps");
    shape.out_size[axis] = room / shape.stride[axis] + 1;
  }
  const Tensor input = dense(x).detach(), compute_weight = dense(backend::cast(weight, x.dtype()));
  const Tensor y = feature_maps(shape, input, compute_weight, bias.defined() ? dense(bias) : Tensor());
  if (!autograd::is_recording({x, weight, bias})) return y;
  const Wanted wanted = wanted_of(operands);
  autograd::record("convolution", {x, weight, bias}, {y},
                   [input = wanted.weight ? input : Tensor(), compute_weight, wanted, shape,
                    dtype = weight.dtype()](const autograd::Tensors& gradients) {
                     const Tensor dy = dense(gradients[0]);
                     autograd::Tensors result(3);
                     if (wanted.x) result[0] = map_gradient(shape, dy, compute_weight);
                     if (wanted.weight) result[1] = weight_gradient(shape, input, dy, compute_weight, dtype);
                     if (wanted.bias) result[2] = bias_gradient(dy);
                     return result;
                   });
  return y;
}

Tensor transposed_convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                              const TransposedConvolutionOptions& options) {
  const Operands operands{"transposed convolution", x, weight, bias};
  check_operands(operands);
  // Of the convolution that this is the input gradient of.
  backend::ConvolutionShape shape{.batch = x.dim(0),
                                  .in = weight.dim(1) * options.groups,
                                  .out = x.dim(3),
                                  .groups = options.groups,
                                  .kernel = {weight.dim(2), weight.dim(3)},
                                  .stride = pair_of(options.stride),
                                  .padding = pair_of(options.padding),
                                  .dilation = pair_of(options.dilation),
                                  .out_size = {x.dim(1), x.dim(2)}};
  check_geometry(operands, shape);
  if (weight.dim(0) != shape.out)
    operands.fail(
        fmt::format("a weight for {} channels is [{}, out / groups, height, width]", shape.out, shape.out));
  check_bias(operands, shape.in);
  const auto more = pair_of(options.output_padding);
  for (const std::size_t axis : {0, 1}) {
    if (more[axis] < 0 || more[axis] >= std::max(shape.stride[axis], shape.dilation[axis]))
      operands.fail("an output padding of 0 to less than stride or dilation needed");
    shape.size[axis] = (shape.out_size[axis] - 1) * shape.stride[axis] - 2 * shape.padding[axis] +
                       shape.dilation[axis] * (shape.kernel[axis] - 1) + more[axis] + 1;
    if (shape.size[axis] < 1) operands.fail("the padding takes all of the result away");
  }
  const Tensor input = dense(x).detach(), compute_weight = dense(backend::cast(weight, x.dtype()));
  Tensor y = map_gradient(shape, input, compute_weight);
  if (bias.defined()) {
    const autograd::NoGrad no_grad;
    y = add(y, backend::cast(bias, y.dtype()));
  }
  if (!autograd::is_recording({x, weight, bias})) return y;
  const Wanted wanted = wanted_of(operands);
  autograd::record("transposed convolution", {x, weight, bias}, {y},
                   [input = wanted.weight ? input : Tensor(), compute_weight, wanted, shape,
                    dtype = weight.dtype()](const autograd::Tensors& gradients) {
                     const Tensor dy = dense(gradients[0]);
                     autograd::Tensors result(3);
                     if (wanted.x) result[0] = feature_maps(shape, dy, compute_weight);
                     if (wanted.weight) result[1] = weight_gradient(shape, dy, input, compute_weight, dtype);
                     if (wanted.bias) result[2] = bias_gradient(dy);
                     return result;
                   });
  return y;
}

}  // namespace attend::op
