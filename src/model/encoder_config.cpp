#include "attend/model/encoder_config.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "model/config_json.h"
#include "model/encoder_fields.h"

namespace attend::model {

std::int64_t EncoderConfig::feed_forward_used() const {
  return nn::feed_forward_inner(dim, feed_forward, activation);
}

void validate(const EncoderConfig& config) {
  for_each_field(config, [](const char* key, auto value, const auto& range) { range.check(key, value); });
  check({.dim = config.dim,
         .heads = config.heads,
         .key_heads = config.key_heads,
         .positions = config.positions});
}

std::string to_json(const EncoderConfig& config) {
  return json_of_config(config);
}

EncoderConfig encoder_config_from_json(std::string_view text, std::string_view source) {
  return config_from_json<EncoderConfig>(text, source);
}

namespace {

struct Preset {
  const char* name;
  EncoderConfig config;
};

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = {
      {"nano", {.layers = 2}},
      {"small", {.context = 256, .dim = 256}},
      {"bert-base",
       {.vocabulary = 30522,
        .context = 512,
        .segments = 2,
        .layers = 12,
        .heads = 12,
        .dim = 768,
        .norm_epsilon = 1e-12,
        .post_norm = true,
        .embedding_norm = true,
        .dropout = 0.1}},
  };
  return all;
}

}  // namespace

std::vector<std::string> encoder_preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.emplace_back(preset.name);
  return names;
}

EncoderConfig encoder_preset(std::string_view name) {
  for (const Preset& preset : presets())
    if (name == preset.name) return preset.config;
  throw Error(
      fmt::format("unknown preset '{}': the presets are {}", name, fmt::join(encoder_preset_names(), ", ")));
}

}  // namespace attend::model
