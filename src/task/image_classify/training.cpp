#include <fmt/format.h>

#include <utility>

#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/data/sequences.h"
#include "attend/io/file.h"
#include "attend/model/vision_transformer.h"
#include "attend/model/weights.h"
#include "attend/op/arithmetic.h"
#include "attend/op/cross_entropy.h"
#include "attend/task/image_classify.h"
#include "task/classifier_start.h"
#include "task/image_classify/card.h"
#include "task/image_classify/config.h"
#include "task/image_classify/data.h"
#include "task/image_classify/evaluate.h"
#include "task/image_classify/fields.h"
#include "task/image_classify/teacher.h"
#include "task/model_folder.h"
#include "task/resumable.h"
#include "task/training.h"

namespace attend::task {

namespace {

constexpr std::uint64_t kBatchSeed = 0x696d61676573ull;

class Training {
 public:
  explicit Training(const ImageClassifyJob& job) : job_(job) {}
  ImageClassifyConfig run();

 private:
  void prepare();
  void read_pictures();
  void say_facts() const;
  PictureBatch batch(std::int64_t index);
  Tensor loss(const PictureBatch& batch, DType compute, Generator& random) const;
  Tensor cross_entropy_of(const Tensor& logits, const std::vector<std::int64_t>& labels) const;
  Tensor loss_of_labels(const Tensor& logits, const PictureBatch& batch) const;
  train::Validation validation(DType compute) const;
  Trainee trainee();
  void finish();

  const ImageClassifyJob& job_;
  bool begun_ = false;
  NewFolders folders_;
  ImageClassifyConfig config_;
  ImageClassifyOptions options_;
  std::optional<data::LabelledImages> train_, validation_;
  std::unique_ptr<PictureClassifier> start_;
  model::PictureShape shape_;
  std::unique_ptr<data::LengthBatches> batches_;
  std::unique_ptr<model::ImageClassifier> model_;
  std::unique_ptr<Teacher> teacher_;
};

ImageClassifyConfig Training::run() {
  prepare();
  say_facts();
  const Trainee trainee = this->trainee();
  if (options_.precision == "auto") options_.precision = measured_precision(trainee, job_);
  config_.training = options_;
  say(job_, fmt::format("model: {}, {} parameters; {}, {} threads", config_.model.kind,
                        model_->parameter_count(), options_.precision, processor().threads));
  if (job_.overwrite && !job_.resume) remove_model(job_.out);
  write_image_classify_config(job_.out, config_);
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
    config_ = read_image_classify_config(job_.out);
    resume_with(options_, config_, job_.out);
  }
  validate(options_);
  start_ = starting_classifier(options_.init, job_, begun_);
  read_pictures();
  options_.model.set_pictures(shape_);
  model::validate(options_.model);
  config_.model = options_.model;
  model_ = model::make_image_classifier(config_.model, options_.seed);
  if (start_ != nullptr) model::start_from(*model_, config_.model, start_->model(), start_->config().model);
  if (!options_.teacher.empty())
    teacher_ = std::make_unique<Teacher>(options_.teacher, shape_, config_.classes, config_.pixels);
  // All pictures are equally long: batches of any.
  batches_ = std::make_unique<data::LengthBatches>(
      std::vector<std::int64_t>(static_cast<std::size_t>(train_->size()), 1),
      data::LengthBatchOptions{.batch = options_.batch}, options_.seed ^ kBatchSeed);
  config_.training = options_;
  folders_.make(job_.out);
}

void Training::read_pictures() {
  PictureSets sets = read_picture_sets(
      {.data = job_.data, .validation = job_.validation, .out = job_.out, .skip_bad = options_.skip_bad},
      begun_ ? &config_.data.value() : nullptr, config_.classes);
  train_ = std::move(sets.train);
  validation_ = std::move(sets.validation);
  config_.data = sets.facts;
  config_.classes = train_->class_names();
  shape_ = begun_ ? config_.model.pictures() : shape_of(*train_, options_.size);
  if (start_ != nullptr) {
    config_.pixels = start_->config().pixels;
  } else if (!begun_) {
    config_.pixels = pixel_statistics(*train_, shape_);
  }
}

void Training::say_facts() const {
  say(job_, line_about(*config_.data, shape_));
}

PictureBatch Training::batch(std::int64_t index) {
  return changed_pictures(*train_, batches_->batch(index), shape_, config_.pixels, options_, index);
}

Tensor Training::loss(const PictureBatch& batch, DType compute, Generator& random) const {
  nn::Run run;
  run.training = true;
  run.random = &random;
  run.compute = compute;
  run.recompute_blocks = options_.recompute;
  if (!teacher_) return loss_of_labels(model_->logits(batch.pictures, run), batch);
  const auto heads =
      dynamic_cast<const model::VisionTransformer&>(*model_).logits_of_heads(batch.pictures, run);
  return op::scale(op::add(loss_of_labels(heads.labels, batch),
                           cross_entropy_of(heads.distillation, teacher_->answers(batch.pictures, compute))),
                   0.5);
}

Tensor Training::cross_entropy_of(const Tensor& logits, const std::vector<std::int64_t>& labels) const {
  return op::cross_entropy(logits, Tensor::from(labels, {static_cast<std::int64_t>(labels.size())}),
                           {.label_smoothing = options_.label_smoothing});
}

Tensor Training::loss_of_labels(const Tensor& logits, const PictureBatch& batch) const {
  const Tensor own = cross_entropy_of(logits, batch.labels);
  if (batch.partner_labels.empty()) return own;
  // Cross entropy is linear in the targets.
  return op::add(op::scale(own, batch.share),
                 op::scale(cross_entropy_of(logits, batch.partner_labels), 1 - batch.share));
}

train::Validation Training::validation(DType compute) const {
  const ClassifyEvaluation evaluation =
      evaluation_of(log_probabilities(*model_, *validation_, shape_, config_.pixels, compute), *validation_);
  const ColumnEvaluation& column = evaluation.columns[0];
  if (options_.monitor == "loss") return column.loss;
  return {column.loss, column.score.accuracy};
}

Trainee Training::trainee() {
  Trainee trainee;
  trainee.model = model_.get();
  learn_from_batches<PictureBatch>(
      trainee, [this](std::int64_t index) { return batch(index); },
      [this](const PictureBatch& batch, DType compute, Generator& random) {
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
    const ClassifyEvaluation evaluation = evaluation_of(
        log_probabilities(*model_, *validation_, shape_, config_.pixels, DType::f32), *validation_);
    const ColumnEvaluation& column = evaluation.columns[0];
    config_.score = ImageClassifyScore{
        .accuracy = column.score.accuracy, .top5 = column.top5.value(), .macro_f1 = column.score.macro.f1};
  }
  write_image_classify_config(job_.out, config_);
  io::write_file_atomically(job_.out / kCardFile, image_classify_card(config_, model_->parameter_count(),
                                                                      job_.command, job_.out.string()));
}

}  // namespace

ImageClassifyConfig train_image_classify(const ImageClassifyJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
