#pragma once

#include <cstdint>

#include "attend/attention/spec.h"

/// The methods of Gather that never build the matrix of weights.
namespace attend::test {

inline constexpr attention::Gather::Kind kLinearKinds[] = {
    attention::Gather::Kind::kernelised, attention::Gather::Kind::performer,
    attention::Gather::Kind::linformer, attention::Gather::Kind::nystrom};

inline bool can_be_causal(attention::Gather::Kind kind) {
  return kind == attention::Gather::Kind::kernelised || kind == attention::Gather::Kind::performer;
}

inline AttentionSpec linear_spec(attention::Gather::Kind kind, bool causal, std::int64_t features) {
  AttentionSpec spec;
  spec.gather.kind = kind;
  spec.gather.features = features;
  spec.gather.seed = 5;
  spec.place.mask = causal ? attention::Place::Mask::causal : attention::Place::Mask::none;
  return spec;
}

}  // namespace attend::test
