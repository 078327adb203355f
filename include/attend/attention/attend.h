#pragma once

#include "attend/attention/observe.h"
#include "attend/attention/parameters.h"
#include "attend/attention/spec.h"
#include "attend/base/random.h"
#include "attend/tensor/tensor.h"

namespace attend::attention {

struct Draws;

/// What may differ from one call to the next, apart from the tensors.
struct Run {
  /// Dropout of the weights happens only in training, and draws from this stream.
  bool training = false;
  RandomStream random = {};
  /// Called with the weights when set; `layer` is what it is told.
  Observer* observer = nullptr;
  std::int64_t layer = 0;
  /// Receives what Weigh::Kind::reinforce drew in training when set (attend/attention/reinforce.h).
  Draws* draws = nullptr;
  /// What the mechanism has learned.
  Parameters parameters = {};
  /// Keys of each batch row that count, i32 [batch]; undefined: all. Keys from there on are padding.
  Tensor key_lengths = {};
  /// Documents packed in one row, i32 [batch, queries] and [batch, keys] (undefined: as those of the
  /// queries): a query sees keys of its own document.
  Tensor documents = {}, key_documents = {};
  /// The keys are what prepared_keys() made of them.
  bool keys_are_prepared = false;
};

/// Attention by the fused kernel, forward and backward in O(T) memory: no [queries, keys] tensor exists at
/// any time.
///
/// query: [batch, queries, heads, d]; key: [batch, keys, key heads, d]; value: [batch, keys, key heads, d_v];
/// heads is a multiple of key heads (grouped-query attention, Ainslie et al. 2023); d and d_v up to 256. Any
/// strides whose last one is 1. All f32, bf16 (products in bf16, sums in f32) or f64. Result: [batch,
/// queries, heads, d_v], dense. Same bits for any number of threads. Throws Error when shapes or dtypes do
/// not fit. Source of the algorithm: Dao, "FlashAttention-2", 2023.
Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionSpec& spec,
              const Run& run = {});

/// The same for self-attention whose projections lie together: qkv [batch, length, 3, heads, d], dense. Its
/// gradient is one tensor too, so nothing is copied apart or together.
Tensor attend_packed(const Tensor& qkv, const AttentionSpec& spec, const Run& run = {});

/// The definition, from plain differentiable operations with [queries, keys] tensors: the oracle of the fused
/// kernel.
Tensor attend_composite(const Tensor& query, const Tensor& key, const Tensor& value,
                        const AttentionSpec& spec, const Run& run = {});

/// What one set of keys can be made into once, when many calls look at it one after the other (with
/// Run::keys_are_prepared): of an additive score key_weight k, [batch, keys, heads, hidden], which must be as
/// wide as attend() takes keys; of any other the keys as they are.
Tensor prepared_keys(const Tensor& key, std::int64_t heads, const AttentionSpec& spec,
                     const Parameters& parameters);

/// The weights that attend() uses, before dropout, computed by the definition: [batch, heads, queries, keys],
/// f32 (f64 for f64 inputs). Off the tape.
Tensor weights(const Tensor& query, const Tensor& key, const AttentionSpec& spec, const Run& run = {});

}  // namespace attend::attention
