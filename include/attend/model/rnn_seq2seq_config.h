#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/op/recurrent.h"

namespace attend::model {

/// How a recurrent decoder uses its attention.
enum class RnnDecoder : std::uint8_t {
  /// The state before a token is the query, and the context goes into the cell (Bahdanau et al., 2015).
  bahdanau,
  /// The state after a token is the query, and the context joins it on its way out (Luong et al., 2015,
  /// without input feeding): all tokens of a target can attend at once, so it learns faster.
  luong,
};

/// What a recurrent encoder-decoder is made of. The names are also the keys of its JSON object.
struct RnnSeq2SeqConfig {
  std::int64_t source_vocabulary = 256;  ///< number of different tokens that are read
  std::int64_t target_vocabulary = 256;  ///< number of different tokens that are written
  /// One table of embeddings for source and target; the two vocabularies are then one.
  bool shared_vocabulary = false;
  bool tied_embeddings = true;  ///< the output embedding is that of the target (Press and Wolf, 2017)
  std::int64_t context = 256;   ///< most tokens of either side
  op::RecurrentCell cell = op::RecurrentCell::gru;
  std::int64_t encoder_layers = 1;  ///< each of two directions
  std::int64_t decoder_layers = 1;
  std::int64_t dim = 256;     ///< features of a token
  std::int64_t hidden = 256;  ///< units of a state, even: each direction of the encoder has half of them
  RnnDecoder decoder = RnnDecoder::bahdanau;
  /// What weighs the states of the encoder: a name of a mechanism (attend/attention/mechanism.h) that does
  /// not depend on places.
  std::string attention = "additive";
  std::int64_t heads = 1;  ///< of the attention; they divide `hidden`
  /// Of the embeddings, the states between layers and the features that words are chosen by, in training.
  double dropout = 0.2;

  bool operator==(const RnnSeq2SeqConfig&) const = default;
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const RnnSeq2SeqConfig& config);

/// A JSON object with every key.
std::string to_json(const RnnSeq2SeqConfig& config);

/// As seq2seq_config_from_json().
RnnSeq2SeqConfig rnn_seq2seq_config_from_json(std::string_view text, std::string_view source = "config");

}  // namespace attend::model
