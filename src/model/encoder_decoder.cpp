#include "attend/model/encoder_decoder.h"

#include "attend/model/rnn_seq2seq.h"
#include "attend/model/seq2seq.h"

namespace attend::model {

std::unique_ptr<EncoderDecoder> make_encoder_decoder(const EncoderDecoderConfig& config, std::uint64_t seed) {
  if (config.is_rnn()) return std::make_unique<RnnSeq2Seq>(config.rnn, seed);
  return std::make_unique<Seq2Seq>(config.transformer, seed);
}

}  // namespace attend::model
