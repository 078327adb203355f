#pragma once

#include <cstdint>

#include "attend/tensor/tensor.h"

namespace attend::op {

/// Cosines and sines of the angles of rotary positions, for positions from 0 on: [positions, dim / 2] each.
struct RotaryTable {
  Tensor cosine, sine;
};

struct RotaryTableOptions {
  double base = 10000;
  DType dtype = DType::f32;  ///< f32, or f64 for f64 queries and keys
};

/// angle[t, c] = t base^(-2 c / dim), computed in f64. Make it once and keep it. Throws Error unless
/// positions is at least 1, dim is even and at least 2, and base is above 0.
RotaryTable rotary_table(std::int64_t positions, std::int64_t dim, const RotaryTableOptions& options = {});

struct RotaryOptions {
  /// Position of x's first token.
  std::int64_t offset = 0;
  /// Only the first so many heads are turned; the others are copied. Queries, keys and values that lie packed
  /// as [B, T, 3, H, D] are turned in one pass as a view [B, T, 3 H, D] with 2 H heads. Negative: all.
  std::int64_t turned_heads = -1;
};

/// Rotary positions (Su et al., "RoFormer", 2021): each pair (x[c], x[c + D / 2]), c < D / 2, of a head at
/// position t is turned by angle[t, c]. The pairing is that of two halves, as in GPT-NeoX and Llama, not of
/// neighbours.
///
/// x: [B, T, H, D] of f32, bf16 or f64, any strides; result of the same shape and dtype, dense. Backward
/// turns the other way. Throws Error when shapes or dtypes do not fit or the table has fewer than offset + T
/// positions.
Tensor rotary(const Tensor& x, const RotaryTable& table, const RotaryOptions& options = {});

}  // namespace attend::op
