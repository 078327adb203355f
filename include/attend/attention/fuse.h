#pragma once

#include <cstdint>

namespace attend::attention {

/// Step 5: how do the heads become one answer?
struct Fuse {
  enum class Kind : std::uint8_t {
    concatenate,  ///< side by side; the projection that follows is a layer (attend/nn/multi_head_attention.h)
    mean,         ///< the mean of the heads, as one head
    pool,         ///< sum over heads of softmax(Parameters::pool_logits)_h times head h, as one head
  };
  Kind kind = Kind::concatenate;
  /// Each head's answer at each query is first multiplied by Parameters::gate, in [0, 1] (adaptive mixing).
  bool gate = false;
};

}  // namespace attend::attention
