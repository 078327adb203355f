#pragma once

#include <functional>
#include <string>

#include "attend/attention/spec.h"
#include "attend/base/random.h"
#include "attend/tensor/tensor.h"

namespace attend::attention {

/// Tensors that a mechanism learns, beside the projections of its layer. Those that a spec does not use stay
/// undefined. All f32 (f64 in gradient checks); h = query heads, d of queries, d_k of keys, d_v of values.
struct Parameters {
  Tensor bilinear;                          ///< [h, d, d_k]
  Tensor query_weight, key_weight, vector;  ///< additive: [h, hidden, d], [h, hidden, d_k], [h, hidden]
  Tensor temperature;                       ///< cosine: [h], kept above 0.01
  Tensor slopes;                            ///< alibi_learned: [h]
  Tensor bucket_bias;                       ///< buckets: [h, bucket_count]
  Tensor relative_keys, relative_values;    ///< shaw: [2 clip + 1, d], [2 clip + 1, d_v]
  Tensor content_bias, position_bias;       ///< transformer_xl: [h, d] each (u and v of the paper)
  Tensor relative_projection;  ///< transformer_xl: [h, d, h d], of the sinusoid r of the distance
  Tensor span;  ///< span: [h], in parts of Place::span_limit; outside [0, 1] it counts as the end it passed,
                ///< with the gradient there, so that it comes back
  Tensor grid_bias;                         ///< grid: [h, 2 grid_rows - 1, 2 grid_columns - 1]
  Tensor sink_logits;                       ///< [h]
  Tensor mix_scores, mix_weights;           ///< talking heads: [h, h], result head, from head
  Tensor pool_logits;                       ///< [h]
  Tensor gate;                              ///< [batch, queries, h]; made by the layer from its input
  Tensor key_projection, value_projection;  ///< linformer: [features, keys]
};

/// What initial_parameters() has to know.
struct ParameterSizes {
  std::int64_t heads = 1, dim = 1, key_dim = 0, value_dim = 0;  ///< 0: as dim
  std::int64_t hidden = 0;                                      ///< of additive; 0: as dim
  std::int64_t keys = 0;                                        ///< longest sequence (linformer)
};

/// The parameters that `spec` uses (all but the gate), f32, as its paper or the code of its authors starts
/// them. The same generator gives the same numbers. Throws Error for sizes below 1, and for linformer without
/// `keys`.
///
/// bilinear: uniform in [-0.1, 0.1] (Luong et al. 2015). additive: weights normal with standard deviation
/// 0.001, vector zeros (Bahdanau et al. 2015). temperature: 0.1 (Swin v2). slopes: those of alibi.
/// bucket_bias: normal, 1 / sqrt(h d) (T5). relative_keys, relative_values: Glorot's uniform (Shaw et al.).
/// content_bias, position_bias, relative_projection: normal, 0.02 (Transformer-XL). grid_bias: normal, 0.02
/// (Swin). span, sink_logits and pool_logits: zeros. mix_scores and mix_weights: the identity, so that heads
/// start apart. key_projection, value_projection: uniform with variance 1 / (features + keys) (Linformer).
Parameters initial_parameters(const AttentionSpec& spec, const ParameterSizes& sizes, Generator& random);

/// The penalty of adaptive spans, weight / h * sum_h z_h, a scalar to be added to the loss: `weight` is
/// lambda of Sukhbaatar et al. 2019 (2e-6 there), z_h the span in places. Throws Error unless span is [h].
Tensor span_penalty(const Tensor& span, const Place& place, double weight);

/// Calls `visit(name, tensor)` for each defined one, in the order above, with the name of the member.
void for_each(Parameters& parameters, const std::function<void(const std::string&, Tensor&)>& visit);

}  // namespace attend::attention
