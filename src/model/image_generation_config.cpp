#include "attend/model/image_generation_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "attend/base/error.h"
#include "model/config_json.h"
#include "model/feature_attention_names.h"

namespace attend::model {

namespace {

inline constexpr Choice<ImageGenerationKind, 2> kKindNames{
    {{{ImageGenerationKind::vae, "vae"}, {ImageGenerationKind::gan, "gan"}}}};
inline constexpr Choice<LatentPriorKind, 2> kPriorNames{
    {{{LatentPriorKind::standard, "standard"}, {LatentPriorKind::fitted, "fitted"}}}};
constexpr double kMostCovariances = 1 << 28;  // numbers, a gigabyte

}  // namespace

template <class Config, class Visit>
requires std::same_as<std::remove_const_t<Config>, ImageGenerationConfig>
void for_each_field(Config& config, Visit&& visit) {
  visit("kind", config.kind, kKindNames);
  visit("height", config.height, IntegerRange{1, 4096});
  visit("width", config.width, IntegerRange{1, 4096});
  visit("channels", config.channels, IntegerRange{1, 1024});
  visit("classes", config.classes, IntegerRange{1, 1 << 20});
  visit("conditional", config.conditional, Truth{});
  visit("latent", config.latent, IntegerRange{1, 1 << 16});
  visit("stages", config.stages, IntegerRange{1, 8});
  visit("base_channels", config.base_channels, IntegerRange{1, 4096});
  visit("block", config.block, kBlockNames);
  visit("attention_stage", config.attention_stage, IntegerRange{0, 8});
  visit("kl_weight", config.kl_weight, NumberRange{0, 1e6});
  visit("prior", config.prior, kPriorNames);
  visit("discriminator_base_channels", config.discriminator_base_channels, IntegerRange{1, 4096});
}

op::Size2 ImageGenerationConfig::size_of(std::int64_t stage) const {
  std::int64_t rows = height, columns = width;
  for (std::int64_t i = stage; i < stages; ++i) {
    rows = (rows + 1) / 2;
    columns = (columns + 1) / 2;
  }
  return {rows, columns};
}

void validate(const ImageGenerationConfig& config) {
  for_each_field(config, [](const char* key, auto value, const auto& range) { range.check(key, value); });
  if (config.attention_stage > config.stages)
    throw Error(
        fmt::format("attention_stage {}: at most stages {} needed", config.attention_stage, config.stages));
  const auto latent = static_cast<double>(config.latent);
  const std::int64_t distributions = config.conditional ? config.classes : 1;
  if (config.kind == ImageGenerationKind::vae && config.prior == LatentPriorKind::fitted &&
      static_cast<double>(distributions) * latent * latent > kMostCovariances)
    throw Error(
        fmt::format("latent {}, classes {}: a fitted prior would have more than {} numbers, standard needed",
                    config.latent, config.classes, kMostCovariances));
  const std::int64_t smallest = std::int64_t{1} << config.stages;
  if (config.kind == ImageGenerationKind::gan && std::min(config.height, config.width) < smallest)
    throw Error(fmt::format("height {}, width {}: a gan halves pictures {} times, at least {} needed",
                            config.height, config.width, config.stages, smallest));
}

std::string to_json(const ImageGenerationConfig& config) {
  return json_of_config(config);
}

ImageGenerationConfig image_generation_config_from_json(std::string_view text, std::string_view source) {
  return config_from_json<ImageGenerationConfig>(text, source);
}

}  // namespace attend::model
