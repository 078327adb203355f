#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attend/model/positions.h"
#include "attend/nn/feed_forward.h"
#include "attend/nn/norm.h"

namespace attend::model {

/// What an encoder is made of. The names are also the keys of its JSON object.
struct EncoderConfig {
  std::int64_t vocabulary = 256;  ///< number of different tokens
  std::int64_t context = 128;     ///< most tokens of a sequence
  std::int64_t segments = 0;      ///< kinds of segments (first text, second text ...); 0: none are told apart
  std::int64_t layers = 4;
  std::int64_t heads = 4;
  std::int64_t key_heads = 0;  ///< heads of keys and values, a divisor of `heads`; 0 means `heads`
  std::int64_t dim = 128;      ///< features of a token; a multiple of `heads`
  /// Inner features of the feed-forward layers; 0 means 4 dim, or 8/3 dim with a gate
  /// (nn::FeedForwardOptions::inner).
  std::int64_t feed_forward = 0;
  nn::NormKind norm = nn::NormKind::layer;
  double norm_epsilon = 1e-5;
  bool post_norm = false;  ///< blocks normalise the stream itself (nn::TransformerBlockOptions::post_norm)
  bool embedding_norm = false;  ///< a norm of the sum of embeddings, as BERT has it
  Positions positions = Positions::learned;
  double rotary_base = 10000;  ///< rotary positions only
  /// What the heads of every layer do: the name of a mechanism with which a token sees those before and those
  /// after it (attend/attention/mechanism.h).
  std::string attention = "scaled_dot";
  nn::HiddenActivation activation = nn::HiddenActivation::gelu;
  bool bias = true;    ///< linear layers and layer norms have biases
  double dropout = 0;  ///< of the embedding, the attention weights and each branch, in training
  /// Standard deviation of the weights at the start; the layers that end a branch start 1 / sqrt(2 layers)
  /// smaller (Radford et al., GPT-2, 2019, section 2.3).
  double initialisation_std = 0.02;

  std::int64_t head_dim() const { return dim / heads; }
  /// `key_heads` and `feed_forward` with the meaning of 0 put in.
  std::int64_t key_heads_used() const { return key_heads == 0 ? heads : key_heads; }
  std::int64_t feed_forward_used() const;

  bool operator==(const EncoderConfig&) const = default;
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const EncoderConfig& config);

/// The preset of this name. "nano": 2 layers, 4 heads, dim 128, context 128. "small": 4 layers, 4 heads, dim
/// 256, context 256. "bert-base": the shape of BERT base (Devlin et al., 2019). The vocabulary is that of
/// bytes, and BERT's for bert-base: a tokenizer sets it. Throws Error naming the presets for another name.
EncoderConfig encoder_preset(std::string_view name);
std::vector<std::string> encoder_preset_names();

/// A JSON object with every key.
std::string to_json(const EncoderConfig& config);

/// Reads a JSON object; keys it does not have keep their defaults. Throws Error, with `source` in front, for
/// text that is not a JSON object, for an unknown key (naming a known one that is near, or all), for a value
/// of wrong type or out of range (naming the key and what is accepted), and for what validate() rejects.
EncoderConfig encoder_config_from_json(std::string_view text, std::string_view source = "config");

}  // namespace attend::model
