#pragma once

#include "attend/nn/multi_head_attention.h"

/// The sizes of heads that all attention layers share.
namespace attend::nn {

/// MultiHeadAttentionOptions::key_heads with the meaning of 0 put in.
std::int64_t key_heads_of(const MultiHeadAttentionOptions& options);

/// Features of one head. Throws Error when heads do not divide dim, or key_heads do not divide heads.
std::int64_t head_dim_of(std::int64_t dim, const MultiHeadAttentionOptions& options);

/// Features of the heads' answer that the output projection takes.
std::int64_t answer_width(std::int64_t dim, const MultiHeadAttentionOptions& options);

}  // namespace attend::nn
