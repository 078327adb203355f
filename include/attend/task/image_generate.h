#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/model/image_generation_config.h"
#include "attend/task/image_classify.h"
#include "attend/task/training.h"

/// The task "image-generate": a network learns to make pictures of some classes.
namespace attend::task {

/// Everything that decides what is learnt. The defaults are those of the preset "vae"; a batch is a number of
/// pictures.
struct ImageGenerateOptions : TrainingOptions {
  std::string preset = "vae";  ///< where the values came from; changes nothing of its own
  model::ImageGenerationConfig model =
      {};  ///< its sizes of pictures and number of classes come from the data
  /// Height and width that pictures get; 0: those of the first.
  std::int64_t size = 0;
  bool skip_bad = false;  ///< count and skip pictures that cannot be read instead of ending at the first
  bool flip = false;      ///< left and right of what is learnt from, with probability 1/2
  /// Of a GAN: updates of the discriminator before each of the generator. Each is one of `steps`.
  std::int64_t discriminator_updates = 1;
  /// Of a GAN: the learning rate of the generator, of which the schedule makes the same parts as of
  /// `learning_rate`, the discriminator's (Heusel et al., "GANs Trained by a Two Time-Scale Update Rule
  /// Converge to a Local Nash Equilibrium", 2017). 0: that of the discriminator.
  double generator_learning_rate = 0;
  /// Of an autoencoder: the folder of a classifier (a residual network) in whose maps decoded pictures shall
  /// be like those learnt from, too; its pictures are of the same size. Empty: none.
  std::string perceptual = {};
  double perceptual_weight = 0.3;  ///< of this loss beside the squared differences of pixels
};

/// The options of this preset: sizes, optimizer and length of training that fit each other. Throws Error
/// naming the presets for another name.
ImageGenerateOptions image_generate_preset(std::string_view name);

struct ImageGeneratePreset {
  std::string name, purpose;
};
/// Every preset, the default first. Each has the name of a kind of model.
const std::vector<ImageGeneratePreset>& image_generate_presets();

/// Throws Error naming the option, what was found and what is accepted.
void validate(const ImageGenerateOptions& options);

/// The content of config.json in a model folder of this task.
struct ImageGenerateConfig {
  model::ImageGenerationConfig model;
  std::vector<std::string> classes;
  std::optional<ImageGenerateOptions> training;  ///< absent in a folder that was not made by training
  std::optional<ImageClassifyFacts> data;
  std::optional<TrainingResults> results;
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
ImageGenerateConfig read_image_generate_config(const std::filesystem::path& folder);

struct ImageGenerateJob : TrainingPlace {
  /// As ImageClassifyJob::data and validation say.
  std::filesystem::path data, validation;
  ImageGenerateOptions options = {};
};

/// Trains, and leaves a model folder: config.json, model.safetensors, training/ (what a resume needs),
/// metrics.jsonl, events.out.tfevents.attend, and README.md, the model card.
///
/// Of a variational autoencoder the weights are those with the lowest loss on the validation pictures. Of a
/// GAN they are the last, as averages where there are any: the losses of its players say nothing of how good
/// pictures are. The players take turns by the number of the update, and metrics.jsonl has the latest loss of
/// each ("discriminator_loss", "generator_loss"; null before its first update of a run).
///
/// Throws Error when the data or the options do not fit, when `out` holds a model or other files (and neither
/// `resume` nor `overwrite` allows it), when a resumed training was begun with other options or other
/// pictures, for a picture that cannot be read unless `skip_bad`, and as train::run_training does. Nothing in
/// `out` is touched before data and options are found to be good.
ImageGenerateConfig train_image_generate(const ImageGenerateJob& job);

}  // namespace attend::task
