#pragma once

#include "attend/attention/attend.h"
#include "attend/nn/module.h"
#include "attend/nn/row_groups.h"

namespace attend::nn {

struct GlobalAttentionOptions {
  std::int64_t heads = 1;
  AttentionSpec attention = {};
};

/// The attention of a recurrent decoder to the states of its encoder (Bahdanau et al., "Neural Machine
/// Translation by Jointly Learning to Align and Translate", 2015; "global attention" of Luong et al., 2015):
/// the states are keys and values as they are, split into heads, and what the mechanism learns is all that is
/// learnt, under its names in attention::Parameters.
class GlobalAttention : public Module {
 public:
  /// Throws Error when heads do not divide dim, and for a mechanism that depends on places, has a gate, fuses
  /// its heads otherwise than side by side, or projects keys along their places.
  GlobalAttention(std::int64_t dim, const GlobalAttentionOptions& options, Generator& random);

  /// What states look at; the keys are prepared for many calls.
  struct Memory {
    Tensor keys, values;  ///< [batch, length, heads, d]
  };
  /// states [batch, length, dim].
  Memory prepare(const Tensor& states) const;

  /// The contexts of x [batch, queries, dim]: the same shape. run.key_lengths are the lengths of the memory's
  /// rows.
  Tensor forward(const Tensor& x, const Memory& memory, const attention::Run& run = {}) const;
  /// The same while decoding, for rows of which several may look at one memory. Off the tape.
  Tensor forward(const Tensor& x, const Memory& memory, const RowGroups& groups,
                 const attention::Run& run = {}) const;

 private:
  std::int64_t dim_, heads_;
  AttentionSpec attention_;
  attention::Parameters learned_;
};

}  // namespace attend::nn
