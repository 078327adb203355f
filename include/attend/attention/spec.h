#pragma once

#include <cstdint>

namespace attend {

namespace attention {

/// Step 1: how alike are a query q and a key k?
struct Score {
  enum class Kind {
    scaled_dot,  ///< scale * q . k (Vaswani et al., "Attention Is All You Need", 2017)
  };
  Kind kind = Kind::scaled_dot;
  /// Factor of the dot product; 0 means 1 / sqrt(head dimension).
  double scale = 0;
};

/// Step 2: may query i look at key j?
struct Place {
  enum class Mask {
    none,    ///< every key
    causal,  ///< keys up to the query's own place, both sequences ending together: j <= i + (keys - queries)
  };
  Mask mask = Mask::none;
};

/// Step 3: how do scores become weights?
struct Weigh {
  enum class Kind {
    softmax,  ///< weights over the keys a query may look at; a query that may look at none gets zeros
  };
  Kind kind = Kind::softmax;
  /// Probability that a weight is dropped in training; the others grow by 1 / (1 - dropout).
  double dropout = 0;
};

/// Step 4: what is read with the weights?
struct Gather {
  enum class Kind {
    weighted_sum,  ///< sum over keys of weight times value; query heads share key heads in groups (GQA, MQA)
  };
  Kind kind = Kind::weighted_sum;
};

/// Step 5: how do the heads become one answer?
struct Fuse {
  enum class Kind {
    concatenate,  ///< side by side; the projection that follows is a layer (attend/nn/multi_head_attention.h)
  };
  Kind kind = Kind::concatenate;
};

}  // namespace attention

/// One attention mechanism: the choice made at each of the five steps.
struct AttentionSpec {
  attention::Score score;
  attention::Place place;
  attention::Weigh weigh;
  attention::Gather gather;
  attention::Fuse fuse;
};

}  // namespace attend
