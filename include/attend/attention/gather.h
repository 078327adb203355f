#pragma once

#include <cstdint>

namespace attend::attention {

/// Step 4: what is read with the weights?
struct Gather {
  enum class Kind : std::uint8_t {
    weighted_sum,  ///< sum over keys of weight times value; query heads share key heads in groups (GQA, MQA)
    // The others never build the [queries, keys] matrix. They replace the score: phi(q) . phi(k) or what the
    // method says, O(length) work.
    kernelised,  ///< phi(x) = elu(x) + 1 (Katharopoulos et al., "Transformers are RNNs", 2020)
    performer,   ///< phi of positive orthogonal random features (Choromanski et al., FAVOR+, 2021)
    linformer,  ///< softmax over keys and values projected to `landmarks` rows (Wang et al. 2020); not causal
    nystrom,    ///< three small softmax matrices over `landmarks` mean queries and keys (Xiong et al. 2021);
                ///< not causal
  };
  Kind kind = Kind::weighted_sum;
  /// Random features of performer, rows of linformer, landmarks of nystrom.
  std::int64_t features = 64;
  /// Of the random features of performer.
  std::uint64_t seed = 0;
};

}  // namespace attend::attention
