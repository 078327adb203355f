#include "attend/model/gpt_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "model/gpt_fields.h"

namespace attend::model {

std::int64_t GptConfig::feed_forward_used() const {
  return nn::feed_forward_inner(dim, feed_forward, activation);
}

void validate(const GptConfig& config) {
  for_each_field(config, [](const char* key, auto value, const auto& range) { range.check(key, value); });
  check({.dim = config.dim,
         .heads = config.heads,
         .key_heads = config.key_heads,
         .positions = config.positions});
}

namespace {

struct Preset {
  const char* name;
  GptConfig config;
};

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = {
      {"nano", {}},
      {"small",
       {.context = 256,
        .layers = 6,
        .heads = 6,
        .dim = 384,
        .norm = nn::NormKind::rms,
        .positions = Positions::rotary,
        .activation = nn::HiddenActivation::swiglu,
        .bias = false,
        .dropout = 0.2}},
      {"gpt2-124m",
       {.vocabulary = 50257, .context = 1024, .layers = 12, .heads = 12, .dim = 768, .dropout = 0.1}},
  };
  return all;
}

}  // namespace

std::vector<std::string> gpt_preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.emplace_back(preset.name);
  return names;
}

GptConfig gpt_preset(std::string_view name) {
  for (const Preset& preset : presets())
    if (name == preset.name) return preset.config;
  throw Error(
      fmt::format("unknown preset '{}': the presets are {}", name, fmt::join(gpt_preset_names(), ", ")));
}

}  // namespace attend::model
