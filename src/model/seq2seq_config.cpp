#include "attend/model/seq2seq_config.h"

#include "model/config_json.h"
#include "model/seq2seq_fields.h"

namespace attend::model {

std::int64_t Seq2SeqConfig::feed_forward_used() const {
  return nn::feed_forward_inner(dim, feed_forward, activation);
}

void validate(const Seq2SeqConfig& config) {
  for_each_field(config,
                 [](const char* key, const auto& value, const auto& range) { range.check(key, value); });
  check({.dim = config.dim,
         .heads = config.heads,
         .key_heads = config.key_heads,
         .positions = config.positions});
  if (config.shared_vocabulary && config.source_vocabulary != config.target_vocabulary)
    throw Error(fmt::format(
        "source_vocabulary {} and target_vocabulary {} differ: with shared_vocabulary both must be the same",
        config.source_vocabulary, config.target_vocabulary));
}

std::string to_json(const Seq2SeqConfig& config) {
  return json_of_config(config);
}

Seq2SeqConfig seq2seq_config_from_json(std::string_view text, std::string_view source) {
  return config_from_json<Seq2SeqConfig>(text, source);
}

}  // namespace attend::model
