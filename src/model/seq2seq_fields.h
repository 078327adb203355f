#pragma once

#include <concepts>
#include <type_traits>

#include "attend/model/seq2seq_config.h"
#include "model/config_fields.h"

namespace attend::model {

/// True when a token of the target may look at the source by it: nothing depends on places, and tokens of the
/// target do not see each other through it, as with landmarks.
inline bool fits_cross_attention(const attention::Mechanism& mechanism) {
  const AttentionSpec spec = mechanism.spec(false);
  return !attention::depends_on_places(spec.place) && spec.gather.kind != attention::Gather::Kind::nystrom;
}

inline constexpr MechanismName kCrossMechanism{fits_cross_attention,
                                               "depends on places or on the other tokens of the target"};

/// Calls visit(key, field, accepted values) for every field of a Seq2SeqConfig: the one list of them.
template <class Config, class Visit>
requires std::same_as<std::remove_const_t<Config>, Seq2SeqConfig>
void for_each_field(Config& config, Visit&& visit) {
  constexpr std::int64_t kMany = 1 << 24;
  visit("source_vocabulary", config.source_vocabulary, IntegerRange{1, kMany});
  visit("target_vocabulary", config.target_vocabulary, IntegerRange{1, kMany});
  visit("shared_vocabulary", config.shared_vocabulary, Truth{});
  visit("tied_embeddings", config.tied_embeddings, Truth{});
  visit("context", config.context, IntegerRange{1, kMany});
  visit("encoder_layers", config.encoder_layers, IntegerRange{1, 10000});
  visit("decoder_layers", config.decoder_layers, IntegerRange{1, 10000});
  visit("heads", config.heads, IntegerRange{1, 65536});
  visit("key_heads", config.key_heads, IntegerRange{0, 65536});
  visit("dim", config.dim, IntegerRange{1, 1 << 20});
  visit("feed_forward", config.feed_forward, IntegerRange{0, kMany});
  visit("norm", config.norm, kNormNames);
  visit("norm_epsilon", config.norm_epsilon, NumberRange{0, 1, true});
  visit("post_norm", config.post_norm, Truth{});
  visit("positions", config.positions, kPositionNames);
  visit("rotary_base", config.rotary_base, NumberRange{1, 1e12, true});
  visit("scaled_embeddings", config.scaled_embeddings, Truth{});
  visit("encoder_attention", config.encoder_attention, kEncoderMechanism);
  visit("decoder_attention", config.decoder_attention, kCausalMechanism);
  visit("cross_attention", config.cross_attention, kCrossMechanism);
  visit("activation", config.activation, kActivationNames);
  visit("bias", config.bias, Truth{});
  visit("dropout", config.dropout, NumberRange{0, 1});
  visit("initialisation_std", config.initialisation_std, NumberRange{0, 10});
}

}  // namespace attend::model
