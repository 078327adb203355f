#include "attend/attention/parameters.h"

namespace attend::attention {

Parameters initial_parameters(const AttentionSpec&, const ParameterSizes&, Generator&) {
  return {};
}

void for_each(Parameters& p, const std::function<void(const std::string&, Tensor&)>& visit) {
  const auto one = [&](const char* name, Tensor& tensor) {
    if (tensor.defined()) visit(name, tensor);
  };
  one("bilinear", p.bilinear);
  one("query_weight", p.query_weight);
  one("key_weight", p.key_weight);
  one("vector", p.vector);
  one("temperature", p.temperature);
  one("slopes", p.slopes);
  one("bucket_bias", p.bucket_bias);
  one("relative_keys", p.relative_keys);
  one("relative_values", p.relative_values);
  one("content_bias", p.content_bias);
  one("position_bias", p.position_bias);
  one("relative_projection", p.relative_projection);
  one("span", p.span);
  one("sink_logits", p.sink_logits);
  one("mix_scores", p.mix_scores);
  one("mix_weights", p.mix_weights);
  one("pool_logits", p.pool_logits);
  one("gate", p.gate);
  one("key_projection", p.key_projection);
  one("value_projection", p.value_projection);
}

}  // namespace attend::attention
