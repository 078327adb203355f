#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "attend/task/image_generate.h"
#include "cli/checks.h"
#include "cli/model_options.h"
#include "cli/picture_options.h"
#include "cli/task_verbs.h"
#include "cli/training_options.h"

namespace attend::cli::image_generate {

namespace {

using task::ImageGenerateOptions;
using Model = model::ImageGenerationConfig;

struct TrainOptions : TrainingVerb {
  std::string data, validation, kind = "vae";
  std::shared_ptr<Overrides<ImageGenerateOptions>> given =
      std::make_shared<Overrides<ImageGenerateOptions>>();
};

using Shared = std::shared_ptr<TrainOptions>;

model::ImageGenerationConfig& model_of(ImageGenerateOptions& options) {
  return options.model;
}

void add_data_options(CLI::App* verb, const Shared& options) {
  verb->add_option("--data", options->data,
                   "Pictures (PNG, JPEG) in a subfolder for each class; a table with the columns path and "
                   "label; or IDX files")
      ->option_text("FOLDER|FILE")
      ->group(kFilesGroup)
      ->check(path());
  verb->add_option("--valid", options->validation, "Pictures to measure by (default: a tenth of them)")
      ->option_text("FOLDER|FILE")
      ->group(kFilesGroup)
      ->check(path());
  add_override<std::int64_t>(
      verb, options->given, "--size", "N", kFilesGroup, whole_number(0, 4096),
      [](ImageGenerateOptions & o) -> auto& { return o.size; },
      "Height and width that pictures get (default: those of the first)");
  add_skip_bad(verb, options->given);
  add_switch(verb, options->given, "--flip,!--no-flip", kPicturesGroup, &ImageGenerateOptions::flip,
             "Left and right change places in half of them");
}

std::string add_network_options(CLI::App* verb, const Shared& options) {
  std::vector<std::string> kinds;
  std::string about;
  for (const task::ImageGeneratePreset& preset : task::image_generate_presets()) {
    kinds.push_back(preset.name);
    about += fmt::format("\n  {:<11} {}", preset.name, preset.purpose);
  }
  verb->add_option("--model", options->kind, "vae or gan, with values of all options that are not given")
      ->option_text("KIND")
      ->group(kModelGroup)
      ->check(one_of(kinds));
  const ModelOptions<ImageGenerateOptions, Model> network{verb, options->given, model_of,
                                                          model::image_generation_config_from_json};
  network.truth("--conditional,!--no-conditional", &Model::conditional,
                "Pictures of a class that is asked for, or of any");
  network.whole("--latent", &Model::latent, 1, 1 << 16, "Normal numbers that a picture is made of");
  network.whole("--stages", &Model::stages, 1, 8, "Times that maps are doubled on the way to a picture");
  network.whole("--channels", &Model::base_channels, 1, 4096,
                "Of the largest maps; twice as many at each half of the size");
  network.choice("--block", "block", feature_attention_names(), &Model::block,
                 "Attention over the maps of one stage");
  network.whole("--attention-stage", &Model::attention_stage, 0, 8,
                "That stage: 0 for the smallest maps, as many as --stages for the picture's size");
  network.real("--kl-weight", &Model::kl_weight, 0, 999999,
               "vae: of the divergence of latent vectors from the normal distribution");
  network.choice("--prior", "prior", {"standard", "fitted"}, &Model::prior,
                 "vae: samples are of the normal distribution with mean 0 and variance 1, or of one that is "
                 "fitted to what the encoder says of each class");
  network.whole("--discriminator-channels", &Model::discriminator_base_channels, 1, 4096,
                "gan: of the discriminator's largest maps");
  add_override<std::int64_t>(
      verb, options->given, "--discriminator-updates", "N", kTrainingGroup, whole_number(1, 100),
      [](ImageGenerateOptions & o) -> auto& { return o.discriminator_updates; },
      "gan: updates of the discriminator before each of the generator");
  add_override<double>(
      verb, options->given, "--generator-lr", "X", kTrainingGroup, number(0, 1e3),
      [](ImageGenerateOptions & o) -> auto& { return o.generator_learning_rate; },
      "gan: learning rate of the generator, --lr is the discriminator's; 0: the same");
  verb->add_option_function<std::string>(
          "--perceptual",
          [given = options->given](const std::string& folder) {
            given->emplace_back([folder](ImageGenerateOptions& o) { o.perceptual = folder; });
          },
          "vae: decoded pictures shall be like those learnt from in the maps of this classifier (cnn), too")
      ->option_text("DIR")
      ->group(kTrainingGroup)
      ->check(path());
  add_override<double>(
      verb, options->given, "--perceptual-weight", "X", kTrainingGroup, number(0, 1e6),
      [](ImageGenerateOptions & o) -> auto& { return o.perceptual_weight; },
      "vae: of that loss beside the squared differences of pixels");
  return about;
}

ImageGenerateOptions resolved_options(const CLI::App& verb, const TrainOptions& options) {
  ImageGenerateOptions resolved = task::image_generate_preset(options.kind);
  if (resumes(options)) {
    const model::ImageGenerationKind asked = resolved.model.kind;
    const auto begun = task::read_image_generate_config(options.out);
    if (begun.training) resolved = *begun.training;
    // Refused there as another model.
    if (verb.count("--model") > 0) resolved.model.kind = asked;
  }
  apply(options, verb, resolved);
  for (const auto& set : *options.given) set(resolved);
  return resolved;
}

}  // namespace

void add_train(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(
      task, "Learn to make pictures (variational autoencoder or generative adversarial network)");
  auto options = std::make_shared<TrainOptions>();
  add_data_options(verb, options);
  add_model_folder(verb, options);
  const std::string about = add_network_options(verb, options);
  add_training_options(verb, options, "Pictures at once");
  verb->footer("Kinds of models:" + about +
               "\n\nOf a vae the weights with the lowest loss on the validation pictures are kept, of a gan "
               "the last.\nThe players of a gan take turns: each has its share of --steps.\n"
               "Ctrl-C saves and leaves with code 130.\n\n"
               "Examples:\n"
               "  attend train image-generate --data /usr/share/datasets/fashion-mnist --out model\n"
               "  attend train image-generate --model gan --data photos --size 32 --out model --minutes 50");
  verbs.push_back({verb, [verb, options] {
                     return show_training(*verb, *options, [&](const task::TrainingPlace& place) {
                       return task::train_image_generate({place, options->data, options->validation,
                                                          resolved_options(*verb, *options)})
                           .results.value();
                     });
                   }});
}

}  // namespace attend::cli::image_generate
