#include "attend/op/dropout.h"

#include <fmt/format.h>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "backend/kernels.h"
#include "op/chunk.h"
#include "op/view.h"

namespace attend::op {

namespace {

Tensor apply(const Tensor& x, double p, const RandomStream& stream) {
  static_assert(kChunkElements % backend::DropoutKernels::kAlignment == 0);
  const Tensor in = dense(x);
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  parallel_for(in.elements(), kChunkElements, [&](std::int64_t begin, std::int64_t end) {
    backend::kernels().dropout.apply({.dtype = in.dtype(),
                                      .seed = stream.seed,
                                      .stream = stream.stream,
                                      .first = begin,
                                      .count = end - begin,
                                      .probability = p,
                                      .in = place(in, begin),
                                      .out = place(out, begin)});
  });
  return out;
}

}  // namespace

Tensor dropout(const Tensor& x, double p, const RandomStream& stream) {
  if (!is_floating(x.dtype())) throw Error(fmt::format("dropout of {}: f32, bf16 or f64 needed", x.text()));
  if (!(p >= 0 && p < 1)) throw Error(fmt::format("dropout: probability {} given, 0 <= p < 1 accepted", p));
  if (p == 0) return x;
  const Tensor y = apply(x, p, stream);
  if (autograd::is_recording({x}))
    autograd::record("dropout", {x}, {y}, [p, stream](const autograd::Tensors& gradients) {
      return autograd::Tensors{apply(gradients[0], p, stream)};
    });
  return y;
}

}  // namespace attend::op
