#pragma once

#include <cstdint>

namespace attend::attention {

/// Step 4: what is read with the weights?
struct Gather {
  enum class Kind : std::uint8_t {
    weighted_sum,  ///< sum over keys of weight times value; query heads share key heads in groups (GQA, MQA)
    // The others never build the [queries, keys] matrix: work and memory grow linearly with the lengths. They
    // replace the steps before: the score is a dot product with its scale, the weights are those of the
    // method without dropout, and of masks they take key lengths, and causal where said. For bf16 they
    // compute in f32.
    kernelised,  ///< weights phi(q) . phi(k) over their sum, phi(x) = elu(x) + 1 (Katharopoulos et al.,
                 ///< "Transformers are RNNs", 2020); causal too; no scale
    performer,   ///< the same with phi_r(x) = exp(w_r . x - |x|^2 / 2) for `features` random rows w, whose
                 ///< mean estimates the softmax weights (Choromanski et al., FAVOR+, 2021); causal too. From
                 ///< each query's exponents the largest is taken off, and from those of the keys the largest
                 ///< of each feature, which cancels; nothing is added to phi, so that the weights are those
                 ///< of the formula
    linformer,   ///< softmax(scale q (E k)^T) (F v), E and F the first columns of
                 ///< Parameters::key_projection and value_projection, as many as there are keys (Wang et al.
                 ///< 2020); not causal
    nystrom,     ///< softmax(scale q k'^T) A^+ softmax(scale q' k^T) v, A = softmax(scale q' k'^T), for
                 ///< `features` landmarks q' and k' each: means of segments of nearly equal length, no more
                 ///< than there are tokens (Xiong et al. 2021, without its convolution); not causal. With
                 ///< key lengths and as many queries as keys, padding makes no landmarks of queries either
  };
  Kind kind = Kind::weighted_sum;
  /// Random features of performer, rows of linformer, landmarks of nystrom.
  std::int64_t features = 64;
  /// Of the random features of performer: blocks of d orthogonal rows with lengths of Gaussian vectors.
  std::uint64_t seed = 0;
  /// Steps to the pseudo-inverse A^+ of nystrom.
  std::int64_t iterations = 6;
};

}  // namespace attend::attention
