#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "attend/autograd/tape.h"
#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/data/sequences.h"
#include "attend/io/file.h"
#include "attend/model/image_gan.h"
#include "attend/model/image_vae.h"
#include "attend/nn/initialise.h"
#include "attend/op/arithmetic.h"
#include "attend/task/image_generate.h"
#include "task/image_classify/data.h"
#include "task/image_generate/card.h"
#include "task/image_generate/config.h"
#include "task/image_generate/fields.h"
#include "task/image_generate/perceptual_loss.h"
#include "task/model_folder.h"
#include "task/resumable.h"
#include "task/training.h"

namespace attend::task {

namespace {

constexpr std::uint64_t kBatchSeed = 0x67656e6572617465ull;
constexpr std::int64_t kValidatedAtOnce = 256;
constexpr std::int64_t kTried = 1000;
constexpr std::int64_t kFitted = 20'000;

Tensor tensor_of(const std::vector<std::int64_t>& labels) {
  return Tensor::from(labels, {static_cast<std::int64_t>(labels.size())});
}

class Training {
 public:
  explicit Training(const ImageGenerateJob& job) : job_(job) {}
  ImageGenerateConfig run();

 private:
  void prepare();
  void read_pictures();
  PictureBatch batch(std::int64_t index);
  bool teaches_generator(std::int64_t batch) const;
  Tensor loss(std::int64_t index, const PictureBatch& batch, DType compute, Generator& random);
  Tensor vae_loss(const model::ImageVae& vae, const Tensor& pictures, const Tensor& classes,
                  const Tensor& noise, const nn::Run& run) const;
  void fit_prior(model::ImageVae& vae, DType compute) const;
  double validation_loss(const model::ImageVae& vae, DType compute) const;
  Trainee trainee();
  void finish();

  const ImageGenerateJob& job_;
  bool begun_ = false;
  NewFolders folders_;
  ImageGenerateConfig config_;
  ImageGenerateOptions options_;
  std::optional<data::LabelledImages> train_, validation_;
  model::PictureShape shape_;
  std::unique_ptr<data::LengthBatches> batches_;
  std::unique_ptr<model::ImageGenerationModel> model_;
  std::optional<PerceptualLoss> perceptual_;
  // Of a GAN's last updates; not part of a checkpoint, for the log alone.
  double discriminator_loss_ = std::numeric_limits<double>::quiet_NaN(),
         generator_loss_ = std::numeric_limits<double>::quiet_NaN();
};

ImageGenerateConfig Training::run() {
  prepare();
  say(job_, line_about(*config_.data, shape_));
  const Trainee trainee = this->trainee();
  if (options_.precision == "auto") options_.precision = measured_precision(trainee, job_);
  config_.training = options_;
  say(job_, fmt::format("model: {}, {} parameters; {}, {} threads",
                        config_.model.kind == model::ImageGenerationKind::gan ? "gan" : "vae",
                        model_->parameter_count(), options_.precision, processor().threads));
  if (job_.overwrite && !job_.resume) remove_model(job_.out);
  write_image_generate_config(job_.out, config_);
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
    config_ = read_image_generate_config(job_.out);
    resume_with(options_, config_, job_.out);
  }
  validate(options_);
  read_pictures();
  options_.model.set_pictures(shape_);
  model::validate(options_.model);
  config_.model = options_.model;
  model_ = model::make_image_generation_model(config_.model, options_.seed);
  if (!options_.perceptual.empty()) perceptual_.emplace(options_.perceptual, shape_);
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
  // What cannot be read is better found before anything is written, and mostly is.
  const std::int64_t step = std::max<std::int64_t>(1, train_->size() / kTried);
  for (std::int64_t i = 0; i < train_->size(); i += step) train_->image(i);
}

PictureBatch Training::batch(std::int64_t index) {
  // Pixels from -1 to 1, as the generator makes them.
  ImageClassifyOptions changes;
  changes.flip = options_.flip;
  changes.crop_padding = 0;
  changes.seed = options_.seed;
  return changed_pictures(*train_, batches_->batch(index), shape_, {}, changes, index);
}

bool Training::teaches_generator(std::int64_t batch) const {
  const std::int64_t update = batch / options_.accumulate;
  return update % (options_.discriminator_updates + 1) == options_.discriminator_updates;
}

Tensor Training::loss(std::int64_t index, const PictureBatch& batch, DType compute, Generator& random) {
  nn::Run run;
  run.training = true;
  run.random = &random;
  run.compute = compute;
  const Tensor classes = tensor_of(batch.labels);
  const Tensor noise = nn::normal({batch.pictures.dim(0), config_.model.latent}, 1, random.next());
  if (const auto* vae = dynamic_cast<const model::ImageVae*>(model_.get()); vae != nullptr)
    return vae_loss(*vae, batch.pictures, classes, noise, run);
  const auto& gan = dynamic_cast<const model::ImageGan&>(*model_);
  const bool of_generator = teaches_generator(index);
  const Tensor loss = of_generator ? gan.generator_loss(classes, noise, run)
                                   : gan.discriminator_loss(batch.pictures, classes, noise, run);
  (of_generator ? generator_loss_ : discriminator_loss_) = loss.item();
  return loss;
}

Tensor Training::vae_loss(const model::ImageVae& vae, const Tensor& pictures, const Tensor& classes,
                          const Tensor& noise, const nn::Run& run) const {
  const model::ImageVae::Loss loss = vae.loss(pictures, classes, noise, run);
  if (!perceptual_) return loss.total;
  const Tensor seen = (*perceptual_)(loss.decoded, pictures, run.compute);
  return op::add(loss.total, op::scale(seen, options_.perceptual_weight));
}

/// To up to kFitted of the pictures to learn from, evenly chosen.
void Training::fit_prior(model::ImageVae& vae, DType compute) const {
  nn::Run run;
  run.compute = compute;
  const std::int64_t used = std::min(train_->size(), kFitted);
  const auto batch = [&](std::int64_t index) {
    std::vector<std::int64_t> rows, labels;
    for (std::int64_t i = index * kValidatedAtOnce; i < std::min((index + 1) * kValidatedAtOnce, used); ++i) {
      rows.push_back(i * train_->size() / used);
      labels.push_back(train_->labels()[static_cast<std::size_t>(rows.back())]);
    }
    return model::ImageVae::Batch(pictures_of(*train_, rows, shape_, {}), tensor_of(labels));
  };
  vae.fit_prior(batch, (used + kValidatedAtOnce - 1) / kValidatedAtOnce, run);
}

double Training::validation_loss(const model::ImageVae& vae, DType compute) const {
  nn::Run run;
  run.compute = compute;
  double sum = 0;
  for (std::int64_t first = 0; first < validation_->size(); first += kValidatedAtOnce) {
    std::vector<std::int64_t> rows, labels;
    for (std::int64_t i = first; i < std::min(first + kValidatedAtOnce, validation_->size()); ++i) {
      rows.push_back(i);
      labels.push_back(validation_->labels()[static_cast<std::size_t>(i)]);
    }
    const auto count = static_cast<std::int64_t>(rows.size());
    const Tensor loss = vae_loss(vae, pictures_of(*validation_, rows, shape_, {}), tensor_of(labels),
                                 model::latents_of(options_.seed, first, count, config_.model.latent), run);
    sum += loss.item() * static_cast<double>(count);
  }
  return sum / static_cast<double>(validation_->size());
}

Trainee Training::trainee() {
  Trainee trainee;
  trainee.model = model_.get();
  trainee.items_per_batch = options_.batch;
  trainee.item = "pictures";
  learn_from_batches<std::pair<std::int64_t, PictureBatch>>(
      trainee, [this](std::int64_t index) { return std::pair(index, batch(index)); },
      [this](const std::pair<std::int64_t, PictureBatch>& numbered, DType compute, Generator& random) {
        return loss(numbered.first, numbered.second, compute, random);
      });
  if (auto* vae = dynamic_cast<model::ImageVae*>(model_.get()); vae != nullptr) {
    trainee.evaluate = [this, vae](DType compute) {
      // Before the weights are saved, which are those evaluated.
      fit_prior(*vae, compute);
      return validation_loss(*vae, compute);
    };
    return trainee;
  }
  trainee.more_metrics = [this]() -> train::Metrics {
    return {{"discriminator_loss", discriminator_loss_}, {"generator_loss", generator_loss_}};
  };
  if (options_.generator_learning_rate > 0)
    trainee.learning_rate_factor = [this](std::int64_t batch) {
      return teaches_generator(batch) ? options_.generator_learning_rate / options_.learning_rate : 1;
    };
  // Players work against each other: a loss that rises is no divergence.
  trainee.watchdog.patience = 0;
  return trainee;
}

void Training::finish() {
  write_image_generate_config(job_.out, config_);
  io::write_file_atomically(job_.out / kCardFile, image_generate_card(config_, model_->parameter_count(),
                                                                      job_.command, job_.out.string()));
}

}  // namespace

ImageGenerateConfig train_image_generate(const ImageGenerateJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
