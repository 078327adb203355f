#include "attend/model/rnn_seq2seq_config.h"

#include "model/config_json.h"
#include "model/rnn_seq2seq_fields.h"

namespace attend::model {

void validate(const RnnSeq2SeqConfig& config) {
  for_each_field(config,
                 [](const char* key, const auto& value, const auto& range) { range.check(key, value); });
  if (config.hidden % 2 != 0)
    throw Error(fmt::format("hidden {}: an even number needed, half for each direction of the encoder",
                            config.hidden));
  check({.dim = config.hidden, .heads = config.heads, .key_heads = 0, .positions = Positions::learned},
        "hidden");
  if (config.shared_vocabulary && config.source_vocabulary != config.target_vocabulary)
    throw Error(fmt::format(
        "source_vocabulary {} and target_vocabulary {} differ: with shared_vocabulary both must be the same",
        config.source_vocabulary, config.target_vocabulary));
}

std::string to_json(const RnnSeq2SeqConfig& config) {
  return json_of_config(config);
}

RnnSeq2SeqConfig rnn_seq2seq_config_from_json(std::string_view text, std::string_view source) {
  return config_from_json<RnnSeq2SeqConfig>(text, source);
}

}  // namespace attend::model
