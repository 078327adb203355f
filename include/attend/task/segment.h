#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/augment.h"
#include "attend/model/unet.h"
#include "attend/task/training.h"

/// The task "segment": a network learns the class of each pixel of a picture.
namespace attend::task {

/// What stands in a mask where the class of a pixel is not known: nothing is learnt there, and nothing
/// measured.
inline constexpr std::uint8_t kUnknownClass = 255;

/// Everything that decides what is learnt. The defaults are those of the preset "small"; a batch is a number
/// of pictures.
struct SegmentOptions : TrainingOptions {
  std::string preset = "small";  ///< where the values came from; changes nothing of its own
  model::UNetConfig model = {};  ///< its channels and classes come from the data
  /// A model folder of the task "image-classify" with a residual network: the way down starts with its
  /// weights, and pictures are normalised as for it. Empty: random weights.
  std::string init = {};
  /// Height and width of the random part of a picture that is learnt from at a time, a multiple of the
  /// network's stride; smaller pictures are surrounded by their mean colour. 0: the longer side of the first
  /// picture, at most 256, rounded up to such a multiple.
  std::int64_t crop = 0;
  bool skip_bad = false;  ///< count and skip pairs that cannot be read instead of ending at the first
  // Changes to the pictures that are learnt from, drawn anew each time: see attend/data/augment.h.
  bool flip = true;     ///< left and right, with probability 1/2
  double rotation = 0;  ///< most degrees
  double jitter = 0;    ///< of brightness, contrast and saturation
  double dice = 1;      ///< weight of the soft Dice loss (op::dice_loss) beside the cross entropy of pixels
  /// What weights are chosen by on the validation pictures: "iou" (mean) or "loss" (cross entropy).
  std::string monitor = "iou";
};

/// The options of this preset: sizes, optimizer and length of training that fit each other. Throws Error
/// naming the presets for another name.
SegmentOptions segment_preset(std::string_view name);

struct SegmentPreset {
  std::string name, purpose;
};
/// Every preset, the default first.
const std::vector<SegmentPreset>& segment_presets();

/// Sets `init`, and of `model` what the classifier in that folder gives: width, a level for each of its
/// stages, blocks, block, and batch norms. Throws Error naming the folder when it holds no classifier,
/// and for one that is no residual network.
void start_from(SegmentOptions& options, const std::filesystem::path& folder);

/// Throws Error naming the option, what was found and what is accepted.
void validate(const SegmentOptions& options);

/// What a model was trained on.
struct SegmentFacts {
  std::string path;
  std::string validation_path;  ///< empty: a tenth of the pairs
  std::uint64_t checksum = 0;   ///< of the names of the pairs and classes
  std::int64_t pictures = 0, validation_pictures = 0;
  std::int64_t skipped = 0;  ///< that could not be read
};

/// How well the weights in model.safetensors segment the validation pictures.
struct SegmentScore {
  double mean_iou = 0, mean_dice = 0, pixel_accuracy = 0;
};

/// The content of config.json in a model folder of this task.
struct SegmentConfig {
  model::UNetConfig model;
  std::vector<std::string> classes;
  data::PixelStatistics pixels;            ///< that pictures are normalised by
  std::optional<SegmentOptions> training;  ///< absent in a folder that was not made by training
  std::optional<SegmentFacts> data;
  std::optional<TrainingResults> results;
  std::optional<SegmentScore> score;
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
SegmentConfig read_segment_config(const std::filesystem::path& folder);

struct SegmentJob : TrainingPlace {
  /// Pictures of any size with masks: a folder with the subfolders images and masks, or a table (*.csv,
  /// *.tsv,
  /// *.tab) with the columns "image" and "mask" (data::ImageMaskPairs). classes.txt in the folder, or beside
  /// the table, may name the classes 0, 1 ..., a line each; otherwise they are the numbers up to the largest
  /// in a mask. May be empty when a training is resumed: the path it began with.
  std::filesystem::path data;
  std::filesystem::path validation;  ///< the same; empty: a tenth of `data`, chosen by the names of pictures
  SegmentOptions options = {};
};

/// Trains, and leaves a model folder as train_image_classify() does. Pictures are read and changed on another
/// thread while the network learns.
///
/// Throws Error when the data or the options do not fit, when `out` holds a model or other files (and neither
/// `resume` nor `overwrite` allows it), when a resumed training was begun with other options or other
/// pictures, for a pair that cannot be read unless `skip_bad`, and as train::run_training does. Nothing in
/// `out` is touched before data and options are found to be good.
SegmentConfig train_segment(const SegmentJob& job);

}  // namespace attend::task
