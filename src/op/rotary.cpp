#include "attend/op/rotary.h"

#include <fmt/format.h>

#include <cmath>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/kernels.h"
#include "op/chunk.h"

namespace attend::op {

namespace {

Tensor turn(const Tensor& x, const RotaryTable& table, const RotaryOptions& options, bool inverse) {
  const Tensor in = x.dim(-1) == 1 || x.strides()[3] == 1 ? x : x.clone();
  const std::int64_t length = x.dim(1), heads = x.dim(2), dim = x.dim(3);
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  parallel_for(x.dim(0) * length, rows_of_chunk(heads * dim), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t b = row / length, t = row % length;
      const std::int64_t angle = (options.offset + t) * (dim / 2);
      backend::kernels().rotary.turn({.dtype = x.dtype(),
                                      .heads = heads,
                                      .dim = dim,
                                      .turned = options.turned_heads < 0 ? heads : options.turned_heads,
                                      .inverse = inverse,
                                      .cosine = place(table.cosine, angle),
                                      .sine = place(table.sine, angle),
                                      .in = place(in, b * in.strides()[0] + t * in.strides()[1]),
                                      .head_stride = in.strides()[2],
                                      .out = place(out, row * heads * dim)});
    }
  });
  return out;
}

void check(const Tensor& x, const RotaryTable& table, const RotaryOptions& options) {
  const auto fail = [&](std::string_view why) {
    throw Error(fmt::format("rotary of x {}, table {}: {}", x.text(), table.cosine.text(), why));
  };
  if (!is_floating(x.dtype()) || x.rank() != 4 || x.dim(3) < 2 || x.dim(3) % 2 != 0)
    fail("x [B, T, H, D] of f32, bf16 or f64 with even D needed");
  const DType dtype = parameter_dtype(x.dtype());
  for (const Tensor& part : {table.cosine, table.sine})
    if (part.rank() != 2 || part.dim(1) != x.dim(3) / 2 || part.dim(0) != table.cosine.dim(0) ||
        part.dtype() != dtype || !part.is_contiguous())
      fail(fmt::format("cosine and sine {} [positions, {}] needed", name_of(dtype), x.dim(3) / 2));
  if (options.offset < 0 || options.offset > table.cosine.dim(0) - x.dim(1))
    fail(fmt::format("{} tokens from position {} on, but the table has {} positions", x.dim(1),
                     options.offset, table.cosine.dim(0)));
  if (options.turned_heads > x.dim(2)) fail(fmt::format("turned_heads {} given", options.turned_heads));
}

}  // namespace

RotaryTable rotary_table(std::int64_t positions, std::int64_t dim, const RotaryTableOptions& options) {
  if (positions < 1 || dim < 2 || dim % 2 != 0)
    throw Error(fmt::format(
        "rotary_table of {} positions, dim {}: at least 1 position and an even dim needed", positions, dim));
  if (!(options.base > 0) || !std::isfinite(options.base))
    throw Error(fmt::format("rotary_table: base {} given, above 0 accepted", options.base));
  if (options.dtype != DType::f32 && options.dtype != DType::f64)
    throw Error(fmt::format("rotary_table: dtype {} given, f32 or f64 accepted", name_of(options.dtype)));
  const RotaryTable table = {Tensor::empty({positions, dim / 2}, options.dtype),
                             Tensor::empty({positions, dim / 2}, options.dtype)};
  for (std::int64_t t = 0; t < positions; ++t)
    for (std::int64_t c = 0; c < dim / 2; ++c) {
      const double frequency = std::pow(options.base, -2 * static_cast<double>(c) / static_cast<double>(dim));
      const double angle = static_cast<double>(t) * frequency;
      const std::int64_t i = t * (dim / 2) + c;
      if (options.dtype == DType::f64) {
        table.cosine.data<double>()[i] = std::cos(angle);
        table.sine.data<double>()[i] = std::sin(angle);
      } else {
        table.cosine.data<float>()[i] = static_cast<float>(std::cos(angle));
        table.sine.data<float>()[i] = static_cast<float>(std::sin(angle));
      }
    }
  return table;
}

Tensor rotary(const Tensor& x, const RotaryTable& table, const RotaryOptions& options) {
  check(x, table, options);
  const Tensor y = turn(x, table, options, false);
  if (autograd::is_recording({x}))
    autograd::record("rotary", {x}, {y}, [table, options](const autograd::Tensors& gradients) {
      return autograd::Tensors{turn(gradients[0], table, options, true)};
    });
  return y;
}

}  // namespace attend::op
