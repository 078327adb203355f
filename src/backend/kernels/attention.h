#pragma once

#include <cstddef>
#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

/// A tensor [batch, length, heads, dim] whose last stride is 1; strides in elements.
struct HeadsOperand {
  void* data = nullptr;
  std::int64_t batch_stride = 0, row_stride = 0, head_stride = 0;
};

struct AttentionShape {
  DType dtype = DType::f32;
  std::int64_t batch = 0, heads = 0, key_heads = 0, queries = 0, keys = 0, dim = 0, value_dim = 0;
  double scale = 1;     ///< of the dot products
  bool causal = false;  ///< query i looks at keys j <= i + keys - queries
  double dropout = 0;
  std::uint64_t seed = 0, stream = 0;  ///< of the dropout mask
};

struct AttentionForward {
  AttentionShape shape;
  HeadsOperand query, key, value, output;
  /// [batch, heads, queries]: log2 of the sum over keys of 2^(score / ln 2), f32 (f64 for f64), and +infinity
  /// for a query that may look at nothing; so each weight is 2^(score / ln 2 - log_sum).
  void* log_sum = nullptr;
};

struct AttentionBackward {
  AttentionShape shape;
  HeadsOperand query, key, value, output, output_gradient;
  HeadsOperand query_gradient, key_gradient, value_gradient;
  const void* log_sum = nullptr;
};

struct AttentionDecode {
  AttentionShape shape;
  HeadsOperand query, key, value, output;
};

/// All work in `scratch`, 64-byte aligned, of at least the size that the function beside it tells.
struct AttentionKernels {
  /// Queries of one block of the forward pass.
  std::int64_t query_block = 0;
  /// Brings the keys and values of one head into the layout that forward_block reads.
  std::size_t (*packed_bytes)(const AttentionShape& shape) = nullptr;
  void (*pack)(const AttentionForward& work, std::int64_t batch, std::int64_t key_head, void* packed,
               void* scratch) = nullptr;
  std::size_t (*forward_scratch_bytes)(const AttentionShape& shape) = nullptr;
  /// Output and log_sum of one block of queries of one head.
  void (*forward_block)(const AttentionForward& work, std::int64_t batch, std::int64_t head,
                        std::int64_t block, const void* packed, void* scratch) = nullptr;
  std::size_t (*backward_scratch_bytes)(const AttentionShape& shape) = nullptr;
  /// All three gradients of one key head and the query heads that share it.
  void (*backward)(const AttentionBackward& work, std::int64_t batch, std::int64_t key_head,
                   void* scratch) = nullptr;
  std::size_t (*decode_scratch_bytes)(const AttentionShape& shape) = nullptr;
  /// Output of one key head and the query heads that share it, for few queries, reading keys and values once.
  void (*decode)(const AttentionDecode& work, std::int64_t batch, std::int64_t key_head,
                 void* scratch) = nullptr;
};

}  // namespace attend::backend
