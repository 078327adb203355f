#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/model/rnn_seq2seq_config.h"
#include "attend/model/seq2seq_config.h"

namespace attend::model {

enum class EncoderDecoderKind : std::uint8_t {
  transformer,  ///< Seq2Seq
  rnn,          ///< RnnSeq2Seq
};

/// What an encoder-decoder is made of, whichever kind it is of; the configuration of the other kind is not
/// looked at.
struct EncoderDecoderConfig {
  EncoderDecoderKind kind = EncoderDecoderKind::transformer;
  Seq2SeqConfig transformer = {};
  RnnSeq2SeqConfig rnn = {};

  bool is_rnn() const { return kind == EncoderDecoderKind::rnn; }
  // What both kinds have.
  std::int64_t source_vocabulary() const {
    return is_rnn() ? rnn.source_vocabulary : transformer.source_vocabulary;
  }
  std::int64_t target_vocabulary() const {
    return is_rnn() ? rnn.target_vocabulary : transformer.target_vocabulary;
  }
  bool shared_vocabulary() const { return is_rnn() ? rnn.shared_vocabulary : transformer.shared_vocabulary; }
  std::int64_t context() const { return is_rnn() ? rnn.context : transformer.context; }
  std::int64_t encoder_layers() const { return is_rnn() ? rnn.encoder_layers : transformer.encoder_layers; }
  std::int64_t decoder_layers() const { return is_rnn() ? rnn.decoder_layers : transformer.decoder_layers; }
  std::int64_t dim() const { return is_rnn() ? rnn.dim : transformer.dim; }
  void set_vocabularies(std::int64_t source, std::int64_t target);

  /// The decoder's attention to the source: so many layers of so many heads.
  std::int64_t cross_layers() const { return is_rnn() ? 1 : transformer.decoder_layers; }
  std::int64_t heads() const { return is_rnn() ? rnn.heads : transformer.heads; }
  /// What an observer is told as `layer` of the i-th of them.
  std::int64_t cross_layer(std::int64_t i) const { return is_rnn() ? i : transformer.cross_layer(i); }

  /// The same kind, and the same configuration of it.
  bool operator==(const EncoderDecoderConfig& other) const {
    return kind == other.kind && (is_rnn() ? rnn == other.rnn : transformer == other.transformer);
  }
};

/// Throws Error naming the keys and numbers that do not fit.
void validate(const EncoderDecoderConfig& config);

/// A JSON object: "kind", "transformer" or "rnn", and every key of that kind.
std::string to_json(const EncoderDecoderConfig& config);

/// Reads a JSON object; without "kind" it is a transformer's. Throws Error, with `source` in front, as
/// seq2seq_config_from_json().
EncoderDecoderConfig encoder_decoder_config_from_json(std::string_view text,
                                                      std::string_view source = "config");

}  // namespace attend::model
