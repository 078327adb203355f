#pragma once

#include <concepts>
#include <type_traits>

#include "attend/model/rnn_seq2seq_config.h"
#include "model/config_fields.h"

namespace attend::model {

inline constexpr Choice<op::RecurrentCell, 2> kCellNames{
    {{{op::RecurrentCell::gru, "gru"}, {op::RecurrentCell::lstm, "lstm"}}}};
inline constexpr Choice<RnnDecoder, 2> kRnnDecoderNames{
    {{{RnnDecoder::bahdanau, "bahdanau"}, {RnnDecoder::luong, "luong"}}}};

/// True when a state of a decoder may look at those of an encoder by it, nothing but its own parameters in
/// between.
inline bool fits_global_attention(const attention::Mechanism& mechanism) {
  const AttentionSpec spec = mechanism.spec(false);
  return !attention::depends_on_places(spec.place) && !spec.fuse.gate &&
         spec.fuse.kind == attention::Fuse::Kind::concatenate &&
         spec.gather.kind == attention::Gather::Kind::weighted_sum &&
         spec.weigh.kind != attention::Weigh::Kind::reinforce;
}

inline constexpr MechanismName kGlobalMechanism{
    fits_global_attention, "depends on places, has no weights, or needs more layers around it"};

/// Calls visit(key, field, accepted values) for every field of an RnnSeq2SeqConfig: the one list of them.
template <class Config, class Visit>
requires std::same_as<std::remove_const_t<Config>, RnnSeq2SeqConfig>
void for_each_field(Config& config, Visit&& visit) {
  constexpr std::int64_t kMany = 1 << 24;
  visit("source_vocabulary", config.source_vocabulary, IntegerRange{1, kMany});
  visit("target_vocabulary", config.target_vocabulary, IntegerRange{1, kMany});
  visit("shared_vocabulary", config.shared_vocabulary, Truth{});
  visit("tied_embeddings", config.tied_embeddings, Truth{});
  visit("context", config.context, IntegerRange{1, kMany});
  visit("cell", config.cell, kCellNames);
  visit("encoder_layers", config.encoder_layers, IntegerRange{1, 10000});
  visit("decoder_layers", config.decoder_layers, IntegerRange{1, 10000});
  visit("dim", config.dim, IntegerRange{1, 1 << 20});
  visit("hidden", config.hidden, IntegerRange{2, 1 << 20});
  visit("decoder", config.decoder, kRnnDecoderNames);
  visit("attention", config.attention, kGlobalMechanism);
  visit("heads", config.heads, IntegerRange{1, 65536});
  visit("dropout", config.dropout, NumberRange{0, 1});
}

}  // namespace attend::model
