#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attend/attention/spec.h"
#include "attend/tensor/dtype.h"

/// The attention mechanisms of the field by name, each as one AttentionSpec. The options of a spec (widths,
/// counts, temperatures, scales) start at usual values and may be changed; what a mechanism learns comes from
/// initial_parameters() (attend/attention/parameters.h). Learned, sinusoidal and rotary positions,
/// grouped-query and multi-query heads are options of the layer around it, with any of these.
namespace attend::attention {

/// A row of the table of mechanisms.
struct Mechanism {
  std::string_view name;
  std::vector<std::string_view> other_names;
  /// In one line; s is the score of query q and key k at distance |p - j|, w the weight, v the value, d the
  /// elements of q, h a head.
  std::string_view formula;
  std::string_view paper;
  /// Without a causal form `causal` must be false; a form that is causal by itself takes both.
  AttentionSpec (*spec)(bool causal) = nullptr;
  /// It has a causal form.
  bool has_causal_form = true;
};

/// All mechanisms, in the order of the steps that they change.
const std::vector<Mechanism>& mechanisms();

/// The row of a name or other name. Throws Error for an unknown one, naming the nearest.
const Mechanism& find_mechanism(std::string_view name);

/// The spec of a name. Throws Error for an unknown one, and for a causal form that there is none of.
AttentionSpec mechanism(std::string_view name, bool causal = false);

/// How attend() computes a spec.
enum class Path : std::uint8_t {
  fused,      ///< kernels that never build a [queries, keys] tensor
  linear,     ///< operations of linear work that never build one
  composite,  ///< the definition, with [queries, keys] tensors
};
std::string_view name_of(Path path);

/// What the code says about a mechanism, beside its row.
struct MechanismFacts {
  std::string steps;                 ///< the five choices in words: "dot product, no mask, softmax, ..."
  Path path = Path::composite;       ///< of both forms
  std::vector<std::string> learned;  ///< members of Parameters that it needs
  std::vector<DType> dtypes;         ///< of queries, keys and values, forward and backward
  bool decode =
      false;  ///< the causal form gives the same token by token over a cache (attend/attention/cache.h)
};
MechanismFacts facts_of(const Mechanism& mechanism);

// Scores.
AttentionSpec scaled_dot(bool causal = false);
AttentionSpec dot(bool causal = false);
AttentionSpec general(bool causal = false);
AttentionSpec concat(bool causal = false);
AttentionSpec additive(bool causal = false);
AttentionSpec cosine(bool causal = false);
AttentionSpec euclidean(bool causal = false);
AttentionSpec pearson(bool causal = false);
AttentionSpec soft_cap(bool causal = false);
// Positions.
AttentionSpec alibi(bool causal = false);
AttentionSpec alibi_learned(bool causal = false);
AttentionSpec t5(bool causal = false);
AttentionSpec shaw(bool causal = false);
AttentionSpec transformer_xl(bool causal = false);
AttentionSpec adaptive_span(bool causal = false);
// Masks.
AttentionSpec window(bool causal = false);
AttentionSpec dilated(bool causal = false);
AttentionSpec longformer(bool causal = false);
AttentionSpec big_bird(bool causal = false);
/// Causal by itself.
AttentionSpec prefix(bool causal = true);
// Weights.
AttentionSpec temperature(bool causal = false);
AttentionSpec sparsemax(bool causal = false);
AttentionSpec entmax15(bool causal = false);
AttentionSpec sigmoid(bool causal = false);
AttentionSpec top_k(bool causal = false);
AttentionSpec hard(bool causal = false);
AttentionSpec gumbel(bool causal = false);
AttentionSpec reinforce(bool causal = false);
AttentionSpec sink(bool causal = false);
AttentionSpec talking_heads(bool causal = false);
// What is read; linformer and nystrom throw Error for causal.
AttentionSpec kernelised(bool causal = false);
AttentionSpec performer(bool causal = false);
AttentionSpec linformer(bool causal = false);
AttentionSpec nystrom(bool causal = false);
// Fusion of heads.
AttentionSpec head_mean(bool causal = false);
AttentionSpec head_pool(bool causal = false);
AttentionSpec adaptive_heads(bool causal = false);

// By their authors.
inline AttentionSpec vaswani(bool causal = false) {
  return scaled_dot(causal);
}
inline AttentionSpec bahdanau(bool causal = false) {
  return additive(causal);
}
inline AttentionSpec luong_dot(bool causal = false) {
  return dot(causal);
}
inline AttentionSpec luong_general(bool causal = false) {
  return general(causal);
}
inline AttentionSpec luong_concat(bool causal = false) {
  return concat(causal);
}

}  // namespace attend::attention
