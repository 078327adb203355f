#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/data/sequences.h"
#include "attend/io/file.h"
#include "attend/model/weights.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cross_entropy.h"
#include "attend/op/dice_loss.h"
#include "attend/task/segment.h"
#include "io/printable.h"
#include "task/classifier_start.h"
#include "task/model_folder.h"
#include "task/picture_pixels.h"
#include "task/resumable.h"
#include "task/segment/card.h"
#include "task/segment/config.h"
#include "task/segment/data.h"
#include "task/segment/evaluate.h"
#include "task/segment/fields.h"
#include "task/training.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kBatchSeed = 0x7365676d656e74ull;
constexpr std::int64_t kMostDefaultCrop = 256;

class Training {
 public:
  explicit Training(const SegmentJob& job) : job_(job) {}
  SegmentConfig run();

 private:
  void prepare();
  void read_pictures();
  void choose_crop(const io::Image& first);
  void say_facts() const;
  Tensor loss(const SegmentBatch& batch, DType compute, Generator& random) const;
  train::Validation validation(DType compute) const;
  Trainee trainee();
  void finish();

  const SegmentJob& job_;
  bool begun_ = false;
  NewFolders folders_;
  SegmentConfig config_;
  SegmentOptions options_;
  std::unique_ptr<PictureClassifier> start_;
  std::optional<data::ImageMaskPairs> train_, validation_;
  std::unique_ptr<data::LengthBatches> batches_;
  std::unique_ptr<model::UNet> model_;
};

SegmentConfig Training::run() {
  prepare();
  say_facts();
  const Trainee trainee = this->trainee();
  if (options_.precision == "auto") options_.precision = measured_precision(trainee, job_);
  config_.training = options_;
  say(job_, fmt::format("model: U-Net{}, {} parameters; {}, {} threads",
                        config_.model.gates ? " with attention gates" : "", model_->parameter_count(),
                        options_.precision, processor().threads));
  if (job_.overwrite && !job_.resume) remove_model(job_.out);
  write_segment_config(job_.out, config_);
  config_.results = conclude(train_in_place(trainee, options_, job_), options_, job_, begun_);
  finish();
  return config_;
}

/// Everything that can turn out to be wrong, before anything is said or written.
void Training::prepare() {
  check_place(job_, job_.data);
  options_ = job_.options;
  begun_ = job_.resume && holds_model(job_.out);
  if (begun_) {
    config_ = read_segment_config(job_.out);
    if (options_.crop == 0 && config_.training) options_.crop = config_.training->crop;
    resume_with(options_, config_, job_.out);
  }
  model::validate(options_.model);
  validate(options_);
  start_ = starting_classifier(options_.init, job_, begun_);
  read_pictures();
  config_.model = options_.model;
  model::validate(config_.model);
  model_ = std::make_unique<model::UNet>(config_.model, options_.seed);
  if (start_ != nullptr) model_->start_from(trunk_of(*start_));
  // What is cut out of pictures is equally large: batches of any.
  batches_ = std::make_unique<data::LengthBatches>(
      std::vector<std::int64_t>(static_cast<std::size_t>(train_->size()), 1),
      data::LengthBatchOptions{.batch = options_.batch}, options_.seed ^ kBatchSeed);
  config_.training = options_;
  folders_.make(job_.out);
}

void Training::read_pictures() {
  const auto path_of = [&](const fs::path& given, const std::string& before) {
    return !given.empty() || !begun_ ? given : fs::path(before);
  };
  const SegmentFacts before = config_.data.value_or(SegmentFacts{});
  const fs::path data = path_of(job_.data, before.path),
                 validation = path_of(job_.validation, before.validation_path);
  if (data.empty()) throw Error("--data FOLDER is needed: pictures and masks");
  const SegmentData all = open_pairs(data, options_.skip_bad, config_.classes);
  if (all.pairs.size() == 0)
    throw Error(fmt::format("--data {}: there is no picture", io::printable(data.string())));
  SegmentFacts facts{.path = data.string(),
                     .validation_path = validation.string(),
                     .checksum = checksum_of(all),
                     .skipped = all.pairs.skipped().count};
  config_.classes = all.classes;
  if (validation.empty()) {
    constexpr data::SplitShares kTenth{.valid = 0.1, .test = 0};
    train_ = all.pairs.part(data::Split::train, kTenth);
    validation_ = all.pairs.part(data::Split::valid, kTenth);
  } else {
    train_ = all.pairs;
    const SegmentData held_out = open_pairs(validation, options_.skip_bad, config_.classes);
    validation_ = held_out.pairs;
    facts.checksum ^= checksum_of(held_out) * 3;
    facts.skipped += validation_->skipped().count;
  }
  if (train_->size() == 0 || validation_->size() == 0)
    throw Error(
        fmt::format("--data {}: {} pictures are too few for a tenth to be for validation; more are "
                    "needed, or --valid",
                    io::printable(data.string()), all.pairs.size()));
  facts.pictures = train_->size();
  facts.validation_pictures = validation_->size();
  if (begun_ && facts.checksum != before.checksum)
    throw Error(fmt::format("--data {}: other pictures than those that the training in {} began with",
                            io::printable(data.string()), job_.out.string()));
  config_.data = facts;
  const io::Image first = train_->scene(0).image;
  options_.model.channels = begun_ ? config_.model.channels : first.channels;
  options_.model.classes = static_cast<std::int64_t>(config_.classes.size());
  choose_crop(first);
  if (start_ != nullptr) {
    config_.pixels = start_->config().pixels;
  } else if (!begun_) {
    config_.pixels = pixel_statistics(
        train_->size(), [&](std::int64_t i) { return train_->scene(i).image; }, options_.model.channels);
  }
}

void Training::choose_crop(const io::Image& first) {
  const std::int64_t stride = options_.model.stride();
  if (options_.crop == 0)
    options_.crop =
        (std::min(std::max(first.height, first.width), kMostDefaultCrop) + stride - 1) / stride * stride;
}

void Training::say_facts() const {
  const SegmentFacts& facts = *config_.data;
  std::string line =
      fmt::format("pictures: {} to learn from, {} for validation, {} classes; parts of {} x {}, {}",
                  facts.pictures, facts.validation_pictures, config_.classes.size(), options_.crop,
                  options_.crop, config_.model.channels == 1 ? "grey" : "RGB");
  if (facts.skipped > 0) line += fmt::format("; {} that cannot be read skipped", facts.skipped);
  say(job_, line);
}

Tensor Training::loss(const SegmentBatch& batch, DType compute, Generator& random) const {
  nn::Run run;
  run.training = true;
  run.random = &random;
  run.compute = compute;
  const Tensor logits = model_->logits(batch.pictures, run);
  const Tensor pixels = op::cross_entropy(
      logits, batch.labels, {.label_smoothing = options_.label_smoothing, .ignore_index = kUnknownClass});
  if (options_.dice == 0) return pixels;
  return op::add(
      pixels, op::scale(op::dice_loss(logits, batch.labels, {.ignore_index = kUnknownClass}), options_.dice));
}

train::Validation Training::validation(DType compute) const {
  const SegmentEvaluation evaluation = evaluate(*model_, *validation_, config_.pixels, compute);
  if (options_.monitor == "loss") return evaluation.loss;
  return {evaluation.loss, evaluation.score.mean_iou};
}

Trainee Training::trainee() {
  Trainee trainee;
  trainee.model = model_.get();
  learn_from_batches<SegmentBatch>(
      trainee,
      [this](std::int64_t index) {
        return changed_scenes(*train_, batches_->batch(index), config_, options_, index);
      },
      [this](const SegmentBatch& batch, DType compute, Generator& random) {
        return loss(batch, compute, random);
      });
  trainee.evaluate = [this](DType compute) { return validation(compute); };
  trainee.items_per_batch = options_.batch;
  trainee.item = "pictures";
  return trainee;
}

/// Measures the weights that were kept.
void Training::finish() {
  config_.score.reset();
  if (config_.results->validation_loss) {
    model::load_parameters(*model_, job_.out / kWeightsFile);
    const SegmentEvaluation evaluation = evaluate(*model_, *validation_, config_.pixels, DType::f32);
    config_.score = SegmentScore{.mean_iou = evaluation.score.mean_iou,
                                 .mean_dice = evaluation.score.mean_dice,
                                 .pixel_accuracy = evaluation.score.pixel_accuracy};
  }
  write_segment_config(job_.out, config_);
  io::write_file_atomically(job_.out / kCardFile, segment_card(config_, model_->parameter_count(),
                                                               job_.command, job_.out.string()));
}

}  // namespace

SegmentConfig train_segment(const SegmentJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
