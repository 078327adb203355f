#include "nn/heads.h"

#include <fmt/format.h>

#include "attend/base/error.h"

namespace attend::nn {

std::int64_t key_heads_of(const MultiHeadAttentionOptions& options) {
  return options.key_heads == 0 ? options.heads : options.key_heads;
}

std::int64_t head_dim_of(std::int64_t dim, const MultiHeadAttentionOptions& options) {
  const std::int64_t heads = options.heads, key_heads = key_heads_of(options);
  if (heads < 1 || dim < 1 || dim % heads != 0)
    throw Error(fmt::format("heads {} do not divide dim {}: dim must be a multiple of heads", heads, dim));
  if (key_heads < 1 || heads % key_heads != 0)
    throw Error(fmt::format("key_heads {} do not divide heads {}: heads must be a multiple of key_heads",
                            key_heads, heads));
  return dim / heads;
}

std::int64_t answer_width(std::int64_t dim, const MultiHeadAttentionOptions& options) {
  return options.attention.fuse.kind == attention::Fuse::Kind::concatenate ? dim : head_dim_of(dim, options);
}

}  // namespace attend::nn
