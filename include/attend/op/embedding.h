#pragma once

#include <optional>

#include "attend/tensor/tensor.h"

namespace attend::op {

struct EmbeddingOptions {
  /// Of the result; the table's dtype when not given. A table in f32 can give bf16.
  std::optional<DType> dtype = {};
};

/// Row ids[...] of a table: table [V, d] of f32, bf16 or f64; ids of any shape, i32 or i64; result [..., d].
///
/// The gradient of the table is dense and in its dtype; the rows of each id are summed in order, with f32
/// (f64) accumulators, so that it has the same bits for any number of threads. Throws Error when an id is
/// outside [0, V) or a dtype does not fit.
Tensor embedding(const Tensor& table, const Tensor& ids, const EmbeddingOptions& options = {});

struct TokenEmbeddingOptions {
  std::optional<DType> dtype = {};  ///< as in EmbeddingOptions
  std::int64_t offset = 0;          ///< position of the first token
};

/// tokens [..., T] with their positions: table[tokens[..., t]] + positions[offset + t], summed in f32 (f64)
/// and written once. positions: [P, d], of the table's dtype, offset + T <= P. Otherwise like embedding().
Tensor embed_tokens(const Tensor& table, const Tensor& positions, const Tensor& tokens,
                    const TokenEmbeddingOptions& options = {});

}  // namespace attend::op
