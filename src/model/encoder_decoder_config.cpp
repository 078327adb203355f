#include "attend/model/encoder_decoder_config.h"

#include "model/config_json.h"

namespace attend::model {

namespace {

constexpr Choice<EncoderDecoderKind, 2> kKindNames{
    {{{EncoderDecoderKind::transformer, "transformer"}, {EncoderDecoderKind::rnn, "rnn"}}}};
constexpr const char* kKind = "kind";

}  // namespace

void EncoderDecoderConfig::set_vocabularies(std::int64_t source, std::int64_t target) {
  transformer.source_vocabulary = rnn.source_vocabulary = source;
  transformer.target_vocabulary = rnn.target_vocabulary = target;
}

void validate(const EncoderDecoderConfig& config) {
  kKindNames.check(kKind, config.kind);
  if (config.is_rnn())
    validate(config.rnn);
  else
    validate(config.transformer);
}

std::string to_json(const EncoderDecoderConfig& config) {
  Json object = {{kKind, kKindNames.name_of(kKind, config.kind)}};
  object.update(Json::parse(config.is_rnn() ? to_json(config.rnn) : to_json(config.transformer)));
  return object.dump(2);
}

EncoderDecoderConfig encoder_decoder_config_from_json(std::string_view text, std::string_view source) {
  EncoderDecoderConfig config;
  Json object = Json::parse(text, nullptr, false);
  std::string rest(text);
  if (object.is_object() && object.contains(kKind)) {
    try {
      config.kind = parse(kKind, object[kKind], kKindNames);
    } catch (const Error& error) {
      throw Error(fmt::format("{}: {}", source, error.what()));
    }
    object.erase(kKind);
    rest = object.dump();
  }
  if (config.is_rnn())
    config.rnn = rnn_seq2seq_config_from_json(rest, source);
  else
    config.transformer = seq2seq_config_from_json(rest, source);
  return config;
}

}  // namespace attend::model
