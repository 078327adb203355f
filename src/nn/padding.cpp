#include "attend/nn/padding.h"

#include <fmt/format.h>

#include "attend/base/error.h"

namespace attend::nn {

Tensor real_tokens(const Tensor& lengths, std::int64_t batch, std::int64_t length) {
  if (lengths.dtype() != DType::i32 || lengths.rank() != 1 || lengths.dim(0) != batch)
    throw Error(fmt::format("lengths {} given, i32 [{}] needed", lengths.text(), batch));
  const std::vector<std::int64_t> counts = lengths.to_vector<std::int64_t>();
  const Tensor real = Tensor::zeros({batch, length}, DType::boolean);
  bool* out = real.data<bool>();
  for (std::int64_t b = 0; b < batch; ++b) {
    const std::int64_t count = counts[static_cast<std::size_t>(b)];
    if (count < 1 || count > length)
      throw Error(fmt::format("length {} of row {}: 1 to {} needed", count, b, length));
    for (std::int64_t t = 0; t < count; ++t) out[b * length + t] = true;
  }
  return real;
}

}  // namespace attend::nn
