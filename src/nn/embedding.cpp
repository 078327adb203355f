#include "attend/nn/embedding.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/nn/initialise.h"
#include "attend/op/embedding.h"

namespace attend::nn {

Embedding::Embedding(std::int64_t count, std::int64_t dim, const EmbeddingOptions& options,
                     Generator& random) {
  if (count < 1 || dim < 1)
    throw Error(fmt::format("an embedding of {} tokens with {} features: at least 1 needed", count, dim));
  weight_ = normal({count, dim}, options.initialisation_std, random.next());
  add_parameter("weight", weight_, true);
}

Tensor Embedding::forward(const Tensor& tokens, DType compute) const {
  return op::embedding(weight_, tokens, {.dtype = weight_.dtype() == DType::f32 ? compute : weight_.dtype()});
}

}  // namespace attend::nn
