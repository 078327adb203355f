#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/augment.h"
#include "attend/model/detector_config.h"
#include "attend/task/training.h"

/// The task "detect": a network learns to find the objects in a picture, their classes and boxes.
namespace attend::task {

/// Everything that decides what is learnt. The defaults are those of the preset "small"; a batch is a number
/// of pictures.
struct DetectOptions : TrainingOptions {
  std::string preset = "small";      ///< where the values came from; changes nothing of its own
  model::DetectorConfig model = {};  ///< its channels and classes come from the data
  /// The longer side, in pixels, of the pictures that the network sees; the other is that of the first
  /// picture in proportion. Pictures are resized in their proportions until one side fits, and the rest is
  /// filled with their mean colour.
  std::int64_t size = 320;
  bool skip_bad = false;  ///< count and skip pictures that cannot be read instead of ending at the first
  // Changes to the pictures that are learnt from, drawn anew each time: see attend/data/augment.h.
  bool flip = true;     ///< left and right, with probability 1/2
  double rotation = 0;  ///< most degrees
  double jitter = 0;    ///< of brightness, contrast and saturation
  /// Pictures are made larger or smaller by a factor from 1 / (1 + zoom) to 1 + zoom, uniform in its
  /// logarithm, and a random part is learnt from, or a random place filled. 0: none.
  double zoom = 0.25;
  /// What weights are chosen by on the validation pictures: "ap50", "ap" (metric::DetectionScore) or "loss".
  std::string monitor = "ap50";
};

/// The options of this preset: sizes, optimizer and length of training that fit each other. Throws Error
/// naming the presets for another name.
DetectOptions detect_preset(std::string_view name);

struct DetectPreset {
  std::string name, purpose;
};
/// Every preset, the default first.
const std::vector<DetectPreset>& detect_presets();

/// Throws Error naming the option, what was found and what is accepted.
void validate(const DetectOptions& options);

/// Where pictures with marked objects are: what data::DetectionImages reads.
struct DetectionSource {
  /// A folder in the format of Pascal VOC (Annotations and JPEGImages), or a file *.json in that of COCO. A
  /// folder may have a classes.txt with the names of the classes 0, 1 ..., a line each; without it, they are
  /// those of the objects that are learnt from.
  std::filesystem::path path = {};
  /// Of a folder: a file *.txt with the names of its pictures, a line each; empty: see the use.
  std::filesystem::path list = {};
  /// Of a file: the folder that names of pictures in it begin from; empty: the one that the file is in.
  std::filesystem::path picture_folder = {};
};

/// What a model was trained on.
struct DetectFacts {
  std::string path, list, picture_folder;  ///< DetectionSource
  std::string validation_path;             ///< DetectJob::validation
  std::uint64_t checksum = 0;              ///< of the names of pictures and classes, and of the boxes
  std::int64_t pictures = 0, validation_pictures = 0;
  std::int64_t objects = 0;  ///< that are learnt from
  std::int64_t skipped = 0;  ///< pictures that could not be read
};

/// How well the weights in model.safetensors find the objects of the validation pictures:
/// metric::DetectionScore.
struct DetectScore {
  double ap = 0, ap50 = 0, ap75 = 0;
};

/// Of the pictures that a network sees, in pixels.
struct PictureSize {
  std::int64_t height = 0, width = 0;

  bool operator==(const PictureSize&) const = default;
};

/// The content of config.json in a model folder of this task.
struct DetectConfig {
  model::DetectorConfig model;
  std::vector<std::string> classes;
  PictureSize size;
  data::PixelStatistics pixels;           ///< that pictures are normalised by
  std::optional<DetectOptions> training;  ///< absent in a folder that was not made by training
  std::optional<DetectFacts> data;
  std::optional<TrainingResults> results;
  std::optional<DetectScore> score;
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
DetectConfig read_detect_config(const std::filesystem::path& folder);

struct DetectJob : TrainingPlace {
  /// Without a list, a folder's train.txt, there or in ImageSets/Main, is its list, and all pictures are
  /// taken where there is none. The path may be empty when a training is resumed: what it began with.
  DetectionSource data = {};
  /// A list *.txt of pictures in the folder `data`, another folder or another file *.json. Empty: where the
  /// folder's train.txt is learnt from, its val.txt beside that; otherwise a tenth of `data`, chosen by the
  /// names of pictures.
  std::filesystem::path validation = {};
  DetectOptions options = {};
};

/// Trains, and leaves a model folder as train_image_classify() does. Pictures are read and changed on another
/// thread while the network learns. Crowds and difficult objects are not learnt from. The lines of
/// metrics.jsonl have the parts of the loss of the last batch, "loss_class" and so on.
///
/// Throws Error when the data or the options do not fit, when `out` holds a model or other files (and neither
/// `resume` nor `overwrite` allows it), when a resumed training was begun with other options or other
/// pictures, for a picture that cannot be read unless `skip_bad`, and as train::run_training does. Nothing in
/// `out` is touched before data and options are found to be good.
DetectConfig train_detect(const DetectJob& job);

}  // namespace attend::task
