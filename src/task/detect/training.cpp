#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/data/sequences.h"
#include "attend/io/file.h"
#include "attend/model/weights.h"
#include "attend/task/detect.h"
#include "io/printable.h"
#include "task/detect/card.h"
#include "task/detect/config.h"
#include "task/detect/data.h"
#include "task/detect/evaluate.h"
#include "task/detect/fields.h"
#include "task/model_folder.h"
#include "task/picture_pixels.h"
#include "task/resumable.h"
#include "task/training.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kBatchSeed = 0x646574656374ull;

class Training {
 public:
  explicit Training(const DetectJob& job) : job_(job) {}
  DetectConfig run();

 private:
  void prepare();
  void choose_sources();
  void read_pictures();
  void check_pictures(const DetectFacts& before) const;
  void say_facts() const;
  Tensor loss(const DetectBatch& batch, DType compute, Generator& random);
  train::Validation validation(DType compute) const;
  Trainee trainee();
  void finish();

  const DetectJob& job_;
  bool begun_ = false;
  NewFolders folders_;
  DetectConfig config_;
  DetectOptions options_;
  DetectionSource source_;
  fs::path validation_path_;
  std::optional<data::DetectionImages> train_, validation_;
  std::unique_ptr<data::LengthBatches> batches_;
  std::unique_ptr<model::Detector> model_;
  std::vector<model::DetectionLossPart> parts_;  // of the last batch
};

DetectConfig Training::run() {
  prepare();
  say_facts();
  const Trainee trainee = this->trainee();
  if (options_.precision == "auto") options_.precision = measured_precision(trainee, job_);
  config_.training = options_;
  say(job_, fmt::format("model: {}, {} parameters; {}, {} threads",
                        config_.model.kind == "detr" ? "detection transformer" : "two-stage detector",
                        model_->parameter_count(), options_.precision, processor().threads));
  if (job_.overwrite && !job_.resume) remove_model(job_.out);
  write_detect_config(job_.out, config_);
  config_.results = conclude(train_in_place(trainee, options_, job_), options_, job_, begun_);
  finish();
  return config_;
}

/// Everything that can turn out to be wrong, before anything is said or written.
void Training::prepare() {
  check_place(job_, job_.data.path);
  options_ = job_.options;
  begun_ = job_.resume && holds_model(job_.out);
  if (begun_) {
    config_ = read_detect_config(job_.out);
    resume_with(options_, config_, job_.out);
  }
  model::validate(options_.model);
  validate(options_);
  choose_sources();
  read_pictures();
  config_.model = options_.model;
  model::validate(config_.model);
  model_ = model::make_detector(config_.model, options_.seed);
  // Pictures are all made equally large: batches of any.
  batches_ = std::make_unique<data::LengthBatches>(
      std::vector<std::int64_t>(static_cast<std::size_t>(train_->size()), 1),
      data::LengthBatchOptions{.batch = options_.batch}, options_.seed ^ kBatchSeed);
  config_.training = options_;
  folders_.make(job_.out);
}

/// What is learnt from, and what weights are chosen by: what was given, what a resumed training began with,
/// or the lists that the folder has.
void Training::choose_sources() {
  source_ = job_.data;
  validation_path_ = job_.validation;
  if (begun_ && source_.path.empty()) {
    const DetectFacts& before = *config_.data;
    source_ = {.path = before.path, .list = before.list, .picture_folder = before.picture_folder};
    if (validation_path_.empty()) validation_path_ = before.validation_path;
    return;
  }
  if (source_.path.empty())
    throw Error("--data FOLDER or --data FILE.json is needed: pictures and their objects");
  if (!source_.list.empty() || !fs::is_directory(source_.path)) return;
  source_.list = list_in(source_.path, {"train"});
  if (!source_.list.empty() && validation_path_.empty())
    validation_path_ = list_in(source_.path, {"val", "valid"});
}

void Training::read_pictures() {
  const DetectFacts before = config_.data.value_or(DetectFacts{});
  const data::DetectionImages all = open_detection_images(source_, options_.skip_bad, config_.classes);
  config_.classes = all.class_names();
  DetectFacts facts{.path = source_.path.string(),
                    .list = source_.list.string(),
                    .picture_folder = source_.picture_folder.string(),
                    .validation_path = validation_path_.string(),
                    .checksum = checksum_of(all),
                    .skipped = all.skipped().count};
  if (validation_path_.empty()) {
    constexpr data::SplitShares kTenth{.valid = 0.1, .test = 0};
    train_ = all.part(data::Split::train, kTenth);
    validation_ = all.part(data::Split::valid, kTenth);
  } else {
    train_ = all;
    const DetectionSource held_out =
        validation_path_.extension() == ".txt"
            ? DetectionSource{.path = source_.path, .list = validation_path_}
            : DetectionSource{.path = validation_path_, .picture_folder = source_.picture_folder};
    validation_ = open_detection_images(held_out, options_.skip_bad, config_.classes);
    facts.checksum ^= checksum_of(*validation_) * 3;
    facts.skipped += validation_->skipped().count;
  }
  facts.pictures = train_->size();
  facts.validation_pictures = validation_->size();
  facts.objects = objects_in(*train_);
  config_.data = facts;
  check_pictures(before);
  const io::Image first = train_->image(0);
  if (!begun_) config_.size = size_in_proportion(first, options_.size);
  options_.model.set_data(static_cast<std::int64_t>(config_.classes.size()),
                          begun_ ? config_.model.channels() : first.channels);
  if (!begun_)
    config_.pixels = pixel_statistics(
        train_->size(), [&](std::int64_t i) { return train_->image(i); }, first.channels);
}

void Training::check_pictures(const DetectFacts& before) const {
  const DetectFacts& facts = *config_.data;
  const std::string data = io::printable(facts.path);
  if (facts.pictures == 0 || facts.validation_pictures == 0)
    throw Error(
        fmt::format("--data {}: {} pictures are too few for a tenth to be for validation; more are "
                    "needed, or --valid",
                    data, facts.pictures + facts.validation_pictures));
  if (facts.objects == 0) throw Error(fmt::format("--data {}: no object is marked", data));
  if (objects_in(*validation_) == 0)
    throw Error(fmt::format(
        "{}: no object is marked in the {} pictures for validation; others are needed",
        facts.validation_path.empty() ? "--data " + data : "--valid " + io::printable(facts.validation_path),
        facts.validation_pictures));
  if (begun_ && facts.checksum != before.checksum)
    throw Error(
        fmt::format("--data {}: other pictures or objects than those that the training in {} began "
                    "with",
                    data, job_.out.string()));
}

void Training::say_facts() const {
  const DetectFacts& facts = *config_.data;
  std::string line = fmt::format(
      "pictures: {} with {} objects to learn from, {} for validation, {} classes; seen in {} x {} pixels, {}",
      facts.pictures, facts.objects, facts.validation_pictures, config_.classes.size(), config_.size.width,
      config_.size.height, config_.model.channels() == 1 ? "grey" : "RGB");
  if (facts.skipped > 0) line += fmt::format("; {} that cannot be read skipped", facts.skipped);
  say(job_, line);
}

Tensor Training::loss(const DetectBatch& batch, DType compute, Generator& random) {
  nn::Run run;
  run.training = true;
  run.random = &random;
  run.compute = compute;
  model::DetectionLoss loss = model_->loss(batch.pictures, batch.targets, run);
  parts_ = std::move(loss.parts);
  return loss.total;
}

train::Validation Training::validation(DType compute) const {
  const DetectEvaluation evaluation = evaluate(*model_, *validation_, config_, compute);
  if (options_.monitor == "loss") return evaluation.loss;
  return {evaluation.loss, options_.monitor == "ap" ? evaluation.score.ap : evaluation.score.ap50};
}

Trainee Training::trainee() {
  Trainee trainee;
  trainee.model = model_.get();
  learn_from_batches<DetectBatch>(
      trainee,
      [this](std::int64_t index) {
        return changed_scenes(*train_, batches_->batch(index), config_, options_, index);
      },
      [this](const DetectBatch& batch, DType compute, Generator& random) {
        return loss(batch, compute, random);
      });
  trainee.evaluate = [this](DType compute) { return validation(compute); };
  trainee.items_per_batch = options_.batch;
  trainee.item = "pictures";
  trainee.more_metrics = [this] {
    train::Metrics metrics;
    for (const model::DetectionLossPart& part : parts_) metrics.emplace_back("loss_" + part.name, part.value);
    return metrics;
  };
  return trainee;
}

/// Measures the weights that were kept.
void Training::finish() {
  config_.score.reset();
  if (config_.results->validation_loss) {
    model::load_parameters(*model_, job_.out / kWeightsFile);
    const metric::DetectionScore score = evaluate(*model_, *validation_, config_, DType::f32).score;
    config_.score = DetectScore{.ap = score.ap, .ap50 = score.ap50, .ap75 = score.ap75};
  }
  write_detect_config(job_.out, config_);
  io::write_file_atomically(job_.out / kCardFile,
                            detect_card(config_, model_->parameter_count(), job_.command, job_.out.string()));
}

}  // namespace

DetectConfig train_detect(const DetectJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
