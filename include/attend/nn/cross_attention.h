#pragma once

#include "attend/attention/cache.h"
#include "attend/nn/multi_head_attention.h"

namespace attend::nn {

/// Attention with several heads whose queries come from one sequence and whose keys and values come from
/// another, the memory (Vaswani et al., 2017, section 3.2.3): projections "query" [dim, dim] of x and
/// "key_value" [2 key_heads d, dim] of the memory (all keys, then all values, head by head, d = dim / heads);
/// attention; a projection "output" as in MultiHeadAttention, and so is what the mechanism learns. Its gate,
/// if it has one, reads x.
class CrossAttention : public Module {
 public:
  /// Throws Error when heads do not divide dim, when key_heads do not divide heads, or for rotary positions
  /// or a mechanism that depends on places: places in two sequences have no distance.
  CrossAttention(std::int64_t dim, const MultiHeadAttentionOptions& options, Generator& random);

  /// What queries look at: keys and values [batch, length, key heads, d].
  struct Memory {
    Tensor keys, values;
  };
  /// Projects memory [batch, length, dim]; while decoding, once for all steps.
  Memory project(const Tensor& memory) const;

  /// x [batch, queries, dim] to the same shape. run.key_lengths are the lengths of the memory's rows: the
  /// rest of a row is padding, which changes no bit of the result.
  Tensor forward(const Tensor& x, const Memory& memory, const attention::Run& run = {}) const;

  /// The projections of memory [batch, length, dim] head by head, which few queries read faster: for
  /// decoding. Off the tape.
  attention::KeyValueCache make_cache(const Tensor& memory) const;
  /// The same as forward over what was projected. Off the tape.
  Tensor forward(const Tensor& x, const attention::KeyValueCache& memory,
                 const attention::Run& run = {}) const;

 private:
  Tensor queries(const Tensor& x) const;
  attention::Run with_parameters(const attention::Run& run, const Tensor& x) const;
  Tensor projected_output(const Tensor& answer) const;

  std::int64_t dim_, heads_, key_heads_;
  AttentionSpec attention_;
  Linear query_, key_value_, output_;
  attention::Parameters learned_;
  std::unique_ptr<Linear> gate_;
};

}  // namespace attend::nn
