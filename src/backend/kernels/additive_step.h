#pragma once

#include <cstdint>

#include "backend/kernels/attention.h"

namespace attend::backend {

/// Attention of one query for each row and head over keys that are hidden units already: score v . tanh(q +
/// k), softmax. A step of a recurrent decoder, for which blocks of queries would be all padding. Matrices
/// marked C are f32, or f64 beside f64, and dense; the operands are of `dtype`.
struct AdditiveStepKernels {
  struct Shape {
    DType dtype = DType::f32;
    std::int64_t batch = 0, keys = 0, heads = 0, dim = 0, value_dim = 0;
    AttentionPlace place = {};     ///< intervals alone
    const void* query = nullptr;   ///< C [batch, heads, dim]
    const void* vector = nullptr;  ///< v, C [heads, dim]
    HeadsOperand key, value;
  };
  struct Forward : Shape {
    void* weights = nullptr;  ///< C [batch, heads, keys]
    void* output = nullptr;   ///< [batch, heads, value_dim]
  };
  struct Backward : Shape {
    const void* weights = nullptr;
    const void* output_gradient = nullptr;  ///< [batch, heads, value_dim]
    void* score_gradients = nullptr;        ///< C [batch, heads, keys], overwritten
    void* query_gradient = nullptr;         ///< C [batch, heads, dim]
    void* vector_gradient = nullptr;        ///< C [batch, heads, dim], the part of each row
    void* key_gradient = nullptr;           ///< [batch, keys, heads, dim]
    void* value_gradient = nullptr;         ///< [batch, keys, heads, value_dim]
  };
  /// Rows [begin, end) of the batch.
  void (*forward)(const Forward& work, std::int64_t begin, std::int64_t end) = nullptr;
  void (*backward)(const Backward& work, std::int64_t begin, std::int64_t end) = nullptr;
};

}  // namespace attend::backend
