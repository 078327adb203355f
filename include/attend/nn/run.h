#pragma once

#include "attend/attention/observe.h"
#include "attend/attention/reinforce.h"
#include "attend/base/random.h"
#include "attend/tensor/tensor.h"

namespace attend::nn {

/// What may differ from one forward pass to the next: every layer's forward takes it.
struct Run {
  /// Dropout happens only in training, and then draws streams from `random`.
  bool training = false;
  Generator* random = nullptr;
  /// Is told the attention weights of each layer. Changes no bit of the result.
  attention::Observer* observer = nullptr;
  /// Receives what each layer drew in training, when its attention draws keys (attention/reinforce.h); not
  /// with recompute_blocks.
  attention::Draws* draws = nullptr;
  /// Keep only the inputs of each transformer block and compute the rest again in the backward pass: less
  /// memory, one forward pass more, the same bits.
  bool recompute_blocks = false;
  /// The dtype of activations (f32 or bf16) while the parameters are f32. Parameters of another dtype are
  /// computed with in their own.
  DType compute = DType::f32;
  /// Real tokens of each row of the batch, i32 [batch]; undefined: all. The rest of a row is padding: nothing
  /// looks at it, and what is computed for it has no meaning.
  Tensor key_lengths = {};
};

/// The next stream for a dropout of this probability; an unused one when nothing will be dropped. Throws
/// Error in training without a generator.
RandomStream dropout_stream(const Run& run, double probability);

}  // namespace attend::nn
