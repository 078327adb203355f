#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/model/positions.h"
#include "attend/nn/feed_forward.h"
#include "attend/nn/norm.h"

namespace attend::model {

/// What an encoder-decoder transformer is made of. The names are also the keys of its JSON object. The
/// defaults are the base model of Vaswani et al. (2017) with norms before the branches.
struct Seq2SeqConfig {
  std::int64_t source_vocabulary = 256;  ///< number of different tokens that are read
  std::int64_t target_vocabulary = 256;  ///< number of different tokens that are written
  /// One table of embeddings for source and target; the two vocabularies are then one.
  bool shared_vocabulary = false;
  bool tied_embeddings = true;  ///< the output embedding is that of the target (Press and Wolf, 2017)
  std::int64_t context = 256;   ///< most tokens of either side
  std::int64_t encoder_layers = 6;
  std::int64_t decoder_layers = 6;
  std::int64_t heads = 8;
  std::int64_t key_heads = 0;  ///< heads of keys and values, a divisor of `heads`; 0 means `heads`
  std::int64_t dim = 512;      ///< features of a token; a multiple of `heads`
  /// Inner features of the feed-forward layers; 0 means 4 dim, or 8/3 dim with a gate
  /// (nn::FeedForwardOptions::inner).
  std::int64_t feed_forward = 0;
  nn::NormKind norm = nn::NormKind::layer;
  double norm_epsilon = 1e-5;
  bool post_norm = false;  ///< norms after the branches, as in the paper, and none at the ends
  Positions positions = Positions::sinusoidal;
  double rotary_base = 10000;  ///< rotary positions only
  /// Embeddings of tokens are multiplied by sqrt(dim) before positions are added (Vaswani et al., section
  /// 3.4).
  bool scaled_embeddings = true;
  /// What the heads do: names of mechanisms (attend/attention/mechanism.h). In the decoder no token may see
  /// those that follow; from one sequence to the other nothing may depend on places.
  std::string encoder_attention = "scaled_dot";
  std::string decoder_attention = "scaled_dot";
  std::string cross_attention = "scaled_dot";
  nn::HiddenActivation activation = nn::HiddenActivation::relu;
  bool bias = true;  ///< linear layers and layer norms have biases
  /// Of the embeddings, the attention weights and each branch, in training.
  double dropout = 0.1;
  /// Standard deviation of the weights at the start. 0: sqrt(2 / (in + out)) of each matrix (Glorot and
  /// Bengio, 2010) and 1 / sqrt(dim) of the embeddings.
  double initialisation_std = 0;

  std::int64_t head_dim() const { return dim / heads; }
  /// `key_heads` and `feed_forward` with the meaning of 0 put in.
  std::int64_t key_heads_used() const { return key_heads == 0 ? heads : key_heads; }
  std::int64_t feed_forward_used() const;

  /// What an observer is told as `layer`: the self-attention of encoder layer i is i, that of decoder layer i
  /// is encoder_layers + i, and cross-attention of decoder layer i is encoder_layers + decoder_layers + i.
  std::int64_t encoder_layer(std::int64_t i) const { return i; }
  std::int64_t decoder_layer(std::int64_t i) const { return encoder_layers + i; }
  std::int64_t cross_layer(std::int64_t i) const { return encoder_layers + decoder_layers + i; }

  bool operator==(const Seq2SeqConfig&) const = default;
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const Seq2SeqConfig& config);

/// A JSON object with every key.
std::string to_json(const Seq2SeqConfig& config);

/// Reads a JSON object; keys it does not have keep their defaults. Throws Error, with `source` in front, for
/// text that is not a JSON object, for an unknown key (naming a known one that is near, or all), for a value
/// of wrong type or out of range (naming the key and what is accepted), and for what validate() rejects.
Seq2SeqConfig seq2seq_config_from_json(std::string_view text, std::string_view source = "config");

}  // namespace attend::model
