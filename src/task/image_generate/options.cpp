#include <fmt/format.h>
#include <fmt/ranges.h>

#include "attend/base/error.h"
#include "attend/task/image_generate.h"
#include "io/printable.h"
#include "task/image_generate/fields.h"

namespace attend::task {

namespace {

ImageGenerateOptions vae() {
  ImageGenerateOptions options;
  // Much less than all of the divergence: samples are nearer to real pictures (docs/results.md, g1, g5, g7),
  // and what the weaker pull towards the standard distribution leaves is what the fitted prior is for.
  options.model = {
      .kind = model::ImageGenerationKind::vae, .latent = 32, .base_channels = 32, .kl_weight = 0.05};
  options.batch = 128;
  options.steps = 6000;
  options.warmup = 300;
  options.learning_rate = 2e-3;
  options.minimum_learning_rate = 1e-5;
  options.beta2 = 0.999;
  options.weight_decay = 0;
  options.clip = 100;
  options.ema_decay = 0.999;
  options.evaluate_every = 500;
  return options;
}

// Learning rates and moments between those of Miyato et al. (2018), 2e-4 for both players, and Zhang et al.
// (2019), 4e-4 for the discriminator and 1e-4 for the generator.
ImageGenerateOptions gan() {
  ImageGenerateOptions options = vae();
  options.preset = "gan";
  options.model = {.kind = model::ImageGenerationKind::gan,
                   .latent = 64,
                   .base_channels = 32,
                   .discriminator_base_channels = 32};
  options.batch = 64;
  options.steps = 12000;
  options.learning_rate = 4e-4;
  options.generator_learning_rate = 2e-4;
  options.warmup = 0;
  options.schedule = "linear";
  options.beta1 = 0;
  options.beta2 = 0.9;
  options.clip = 0;
  options.precision = "f32";
  options.evaluate_every = 0;
  options.save_every = 1000;
  return options;
}

struct Entry {
  ImageGeneratePreset description;
  ImageGenerateOptions (*make)();
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"vae", "a variational autoencoder: quick and steady to train, soft pictures"}, vae},
      {{"gan", "a generator against a discriminator, both with self-attention: sharper, slower"}, gan},
  };
  return all;
}

}  // namespace

const std::vector<ImageGeneratePreset>& image_generate_presets() {
  static const std::vector<ImageGeneratePreset> all = [] {
    std::vector<ImageGeneratePreset> list;
    for (const Entry& entry : entries()) list.push_back(entry.description);
    return list;
  }();
  return all;
}

ImageGenerateOptions image_generate_preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) {
    if (entry.description.name == name) return entry.make();
    names.push_back(entry.description.name);
  }
  throw Error(fmt::format("preset {}: {} are accepted", io::printable(name), fmt::join(names, ", ")));
}

void validate(const ImageGenerateOptions& options) {
  check_ranges(options);
  if (options.label_smoothing > 0) throw Error("label_smoothing: making pictures has no labels to smooth");
  if (options.model.kind == model::ImageGenerationKind::gan && options.patience > 0)
    throw Error("patience: a GAN has no validation loss to wait for");
  if (options.model.kind == model::ImageGenerationKind::gan && !options.perceptual.empty())
    throw Error("perceptual: a loss of what an autoencoder decodes, a GAN has none");
  check_limits(options);
}

}  // namespace attend::task
