#pragma once

#include <concepts>
#include <type_traits>

#include "attend/model/encoder_config.h"
#include "model/config_fields.h"

namespace attend::model {

/// Calls visit(key, field, accepted values) for every field of an EncoderConfig: the one list of them.
template <class Config, class Visit>
requires std::same_as<std::remove_const_t<Config>, EncoderConfig>
void for_each_field(Config& config, Visit&& visit) {
  constexpr std::int64_t kMany = 1 << 24;
  visit("vocabulary", config.vocabulary, IntegerRange{1, kMany});
  visit("context", config.context, IntegerRange{1, kMany});
  visit("segments", config.segments, IntegerRange{0, kMany});
  visit("layers", config.layers, IntegerRange{1, 10000});
  visit("heads", config.heads, IntegerRange{1, 65536});
  visit("key_heads", config.key_heads, IntegerRange{0, 65536});
  visit("dim", config.dim, IntegerRange{1, 1 << 20});
  visit("feed_forward", config.feed_forward, IntegerRange{0, kMany});
  visit("norm", config.norm, kNormNames);
  visit("norm_epsilon", config.norm_epsilon, NumberRange{0, 1, true});
  visit("post_norm", config.post_norm, Truth{});
  visit("embedding_norm", config.embedding_norm, Truth{});
  visit("positions", config.positions, kPositionNames);
  visit("rotary_base", config.rotary_base, NumberRange{1, 1e12, true});
  visit("attention", config.attention, kEncoderMechanism);
  visit("activation", config.activation, kActivationNames);
  visit("bias", config.bias, Truth{});
  visit("dropout", config.dropout, NumberRange{0, 1});
  visit("initialisation_std", config.initialisation_std, NumberRange{0, 10});
}

}  // namespace attend::model
