#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/augment.h"
#include "attend/model/image_classifier_config.h"
#include "attend/task/training.h"

/// The task "image-classify": a network learns which of some classes a picture shows.
namespace attend::task {

/// Everything that decides what is learnt. The defaults are those of the preset "small"; a batch is a number
/// of pictures.
struct ImageClassifyOptions : TrainingOptions {
  std::string preset = "small";  ///< where the values came from; changes nothing of its own
  model::ImageClassifierConfig model =
      {};  ///< its sizes of pictures and number of classes come from the data
  /// The folder of another classifier, of the same or other classes: the network starts with its weights, all
  /// but those of the last layer, and pictures are normalised as for it. Empty: random weights.
  std::string init = {};
  /// Height and width that pictures get; 0: those of the first.
  std::int64_t size = 0;
  bool skip_bad = false;  ///< count and skip pictures that cannot be read instead of ending at the first
  // Changes to the pictures that are learnt from, drawn anew each time: see attend/data/augment.h.
  std::int64_t crop_padding = 2;  ///< pixels around the picture that a random crop may reach into
  bool flip = true;               ///< left and right, with probability 1/2
  double rotation = 0;            ///< most degrees
  double jitter = 0;              ///< of brightness, contrast and saturation
  double erasing = 0;             ///< probability that a rectangle is erased
  double mixup = 0;               ///< alpha of the Beta distribution; 0: none
  double cutmix = 0;              ///< alpha of the Beta distribution; 0: none
  /// The folder of a classifier of the same classes and sizes of pictures, whose answers the distillation
  /// token of a vision transformer learns beside the labels: loss = (CE(head, label) + CE(distillation head,
  /// answer)) / 2 (Touvron et al., 2021, "hard-label distillation"). Empty: none.
  std::string teacher = {};
  /// What weights are chosen by on the validation pictures: "accuracy" or "loss".
  std::string monitor = "accuracy";
};

/// The options of this preset: sizes, optimizer and length of training that fit each other. Throws Error
/// naming the presets for another name.
ImageClassifyOptions image_classify_preset(std::string_view name);

struct ImageClassifyPreset {
  std::string name, purpose;
};
/// Every preset, the default first.
const std::vector<ImageClassifyPreset>& image_classify_presets();

/// Sets `init`, and `model` but for its dropout to what the classifier in that folder is; `size`, too, when
/// its pictures are square. Throws Error as read_image_classify_config does.
void start_from(ImageClassifyOptions& options, const std::filesystem::path& folder);

/// Throws Error naming the option, what was found and what is accepted.
void validate(const ImageClassifyOptions& options);

/// What a model was trained on.
struct ImageClassifyFacts {
  std::string path;
  std::string validation_path;  ///< empty: a tenth of the pictures
  std::uint64_t checksum = 0;   ///< of the names and classes of the pictures
  std::int64_t pictures = 0, validation_pictures = 0;
  std::int64_t skipped = 0;  ///< that could not be read
};

/// How well the weights in model.safetensors tell the validation pictures.
struct ImageClassifyScore {
  double accuracy = 0, top5 = 0, macro_f1 = 0;
};

/// The content of config.json in a model folder of this task.
struct ImageClassifyConfig {
  model::ImageClassifierConfig model;
  std::vector<std::string> classes;
  data::PixelStatistics pixels;                  ///< that pictures are normalised by
  std::optional<ImageClassifyOptions> training;  ///< absent in a folder that was not made by training
  std::optional<ImageClassifyFacts> data;
  std::optional<TrainingResults> results;
  std::optional<ImageClassifyScore> score;
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
ImageClassifyConfig read_image_classify_config(const std::filesystem::path& folder);

struct ImageClassifyJob : TrainingPlace {
  /// A folder with a subfolder of pictures for each class; a table (*.csv, *.tsv, *.tab) with the columns
  /// "path" and "label"; IDX pictures (a file with "images-idx3" in its name, and the labels beside it), or a
  /// folder with train-images-idx3-ubyte, packed or not. Beside IDX files, classes.txt may name the classes,
  /// a line each. May be empty when a training is resumed: the path it began with.
  std::filesystem::path data;
  std::filesystem::path validation;  ///< the same; empty: a tenth of `data`, chosen by the names of pictures
  ImageClassifyOptions options = {};
};

/// Trains, and leaves a model folder: config.json, model.safetensors (the weights that did best by
/// `monitor`), training/ (what a resume needs), metrics.jsonl, events.out.tfevents.attend, and README.md, the
/// model card. Pictures are read and changed on another thread while the network learns.
///
/// Throws Error when the data or the options do not fit, when `out` holds a model or other files (and neither
/// `resume` nor `overwrite` allows it), when a resumed training was begun with other options or other
/// pictures, for a picture that cannot be read unless `skip_bad`, and as train::run_training does. Nothing in
/// `out` is touched before data and options are found to be good.
ImageClassifyConfig train_image_classify(const ImageClassifyJob& job);

}  // namespace attend::task
