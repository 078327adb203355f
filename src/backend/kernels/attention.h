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

/// Which keys a query may look at: those of its interval that the blocks allow. Tables for one batch row or
/// for each.
struct AttentionPlace {
  static constexpr std::int64_t kBlock = 64;  ///< queries and keys on each side of a block
  static constexpr std::uint32_t kEmpty = 0, kFull = 1, kFirstBits = 2;

  /// [queries]: keys first_key <= j < end_key. Null: all keys.
  const std::int32_t *first_key = nullptr, *end_key = nullptr;
  std::int64_t row_stride = 0;  ///< from one batch row to the next, 0 when they share one table
  /// [query blocks][key blocks]: kEmpty, kFull, or kFirstBits + i for blocks whose pairs are in bits i. Null:
  /// all full.
  const std::uint32_t* blocks = nullptr;
  /// [i][kBlock]: bit c of word r is the pair (query r, key c) of the block, and (key r, query c).
  const std::uint64_t *bits_by_query = nullptr, *bits_by_key = nullptr;
};

/// A score as the user's function sees it: attend/attention/score_function.h.
struct AttentionScoreBlock {
  std::int64_t batch, head, first_query, first_key, queries, keys, query_stride, key_stride;
};
struct AttentionScoreFunction {
  const void* function = nullptr;
  /// scores = f(scores); f32, f64 where the tensors are.
  void (*apply)(const void* function, const AttentionScoreBlock& block, void* scores,
                bool is_double) = nullptr;
  void (*derivative)(const void* function, const AttentionScoreBlock& block, const void* scores,
                     void* derivatives, bool is_double) = nullptr;
};

/// The score of query i and key j is t = f(cap(scale * q . k) + key_bias + distance_bias), and its weight
/// softmax(t / temperature) or sigmoid(t / temperature + sigmoid_bias). With a vector, v . tanh(q + k) takes
/// the place of scale * q . k; queries, keys and their gradients are f32 then (f64 for f64) whatever dtype
/// is, and every head has keys of its own.
struct AttentionShape {
  DType dtype = DType::f32;
  std::int64_t batch = 0, heads = 0, key_heads = 0, queries = 0, keys = 0, dim = 0, value_dim = 0;
  double scale = 1;     ///< of the dot products
  double soft_cap = 0;  ///< cap(x) = soft_cap * tanh(x / soft_cap) when above 0
  double temperature = 1;
  bool sigmoid = false;
  double sigmoid_bias = 0;
  double dropout = 0;
  std::uint64_t seed = 0, stream = 0;  ///< of the dropout mask
  AttentionPlace place = {};
  AttentionScoreFunction function = {};
  // f32, f64 where the tensors are; null when there are none.
  const void* key_bias = nullptr;             ///< [batch, key heads, keys]
  const void* distance_bias = nullptr;        ///< [heads, queries + keys - 1]: element j - i + queries - 1
  const void* query_distance_bias = nullptr;  ///< the same backwards: element i - j + keys - 1
  const void* sink = nullptr;                 ///< [heads]: a logit that joins the sum of the softmax
  const void* vector = nullptr;               ///< [heads, dim]: v of an additive score
  /// All elements of queries and keys are within +-kMostExponent, so that e^2q e^2k neither overflows nor
  /// loses anything.
  bool exponentials = false;
  static constexpr double kMostExponent = 20;
};

/// What a forward pass counts of its weights, before dropout; f32, and f64 where the tensors are.
struct AttentionStatistics {
  std::int64_t top = 0;
  /// [batch, heads, queries, top]: largest weight first, -1 beyond the last
  std::int32_t* top_keys = nullptr;
  void* top_weights = nullptr;                   ///< the same shape
  void *entropy = nullptr, *distance = nullptr;  ///< [batch, heads, queries]
  /// Parts of the queries that sum by themselves, in the order of their blocks: block b is in b % slices.
  std::int64_t slices = 1;
  void* mass = nullptr;  ///< [batch, heads, slices, keys], zero to begin with
};

struct AttentionForward {
  AttentionShape shape;
  HeadsOperand query, key, value, output;
  /// [batch, heads, queries]: log2 of the sum over keys of 2^(score / ln 2), f32 (f64 for f64), and +infinity
  /// for a query that may look at nothing; so each weight is 2^(score / ln 2 - log_sum).
  void* log_sum = nullptr;
  const AttentionStatistics* statistics = nullptr;  ///< null: not wanted; of a softmax alone
};

struct AttentionBackward {
  AttentionShape shape;
  HeadsOperand query, key, value, output, output_gradient;
  HeadsOperand query_gradient, key_gradient, value_gradient;
  const void* log_sum = nullptr;
  /// Keys are cut into so many slices of whole blocks, each worked on by itself; 1 when there are heads
  /// enough.
  std::int64_t slices = 1;
  // Null when not wanted; f32, f64 where the tensors are. Each unit of work writes its own part.
  void* key_bias_gradient = nullptr;  ///< [batch, key heads, keys]
  /// [batch, heads, slices, queries + keys - 1 + 64]: element i - j + keys - 1, zero to begin with.
  void* distance_bias_gradient = nullptr;
  /// [batch, heads, slices, dim padded to 32, queries padded to 32]: dQ^T of each slice; null when there is
  /// one.
  void* query_sums = nullptr;
  void* vector_gradient = nullptr;  ///< [batch, heads, slices, dim], of an additive score
};

/// The weights of some queries of a forward pass that is done, from its log_sum; f32, and f64 where the
/// tensors are.
struct AttentionTile {
  AttentionShape shape;
  HeadsOperand query, key;
  const void* log_sum = nullptr;
  /// [queries from first_query on, keys] of one head, zero to begin with.
  void* weights = nullptr;
  std::int64_t first_query = 0;
};

struct AttentionDecode {
  AttentionShape shape;
  HeadsOperand query, key, value, output;
};

/// All work in `scratch`, 64-byte aligned, of at least the size that the function beside it tells.
struct AttentionKernels {
  /// Queries of one block of the forward pass.
  std::int64_t (*query_block)(const AttentionShape& shape) = nullptr;
  /// Brings the keys and values (if there are any) of one head into the layout that forward_block reads.
  std::size_t (*packed_bytes)(const AttentionShape& shape) = nullptr;
  void (*pack)(const AttentionForward& work, std::int64_t batch, std::int64_t key_head, void* packed,
               void* scratch) = nullptr;
  std::size_t (*forward_scratch_bytes)(const AttentionForward& work) = nullptr;
  /// Output and log_sum of one block of queries of one head.
  void (*forward_block)(const AttentionForward& work, std::int64_t batch, std::int64_t head,
                        std::int64_t block, const void* packed, void* scratch) = nullptr;
  std::size_t (*tile_scratch_bytes)(const AttentionShape& shape) = nullptr;
  /// One block of queries of one head, with keys packed as for forward_block.
  void (*tile_block)(const AttentionTile& work, std::int64_t batch, std::int64_t head, std::int64_t block,
                     const void* packed, void* scratch) = nullptr;
  std::size_t (*backward_scratch_bytes)(const AttentionBackward& work) = nullptr;
  /// The gradients of one slice of the keys of one key head, from the query heads that share it.
  void (*backward)(const AttentionBackward& work, std::int64_t batch, std::int64_t key_head,
                   std::int64_t slice, void* scratch) = nullptr;
  /// The query gradient of one head from its slices, in their order.
  void (*combine_slices)(const AttentionBackward& work, std::int64_t batch, std::int64_t head) = nullptr;
  std::size_t (*decode_scratch_bytes)(const AttentionShape& shape) = nullptr;
  /// Output of one key head and the query heads that share it, for few queries, reading keys and values once.
  void (*decode)(const AttentionDecode& work, std::int64_t batch, std::int64_t key_head,
                 void* scratch) = nullptr;
};

}  // namespace attend::backend
