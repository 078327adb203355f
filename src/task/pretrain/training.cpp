#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/io/file.h"
#include "attend/model/weights.h"
#include "attend/task/pretrain.h"
#include "task/encoder_start.h"
#include "task/model_folder.h"
#include "task/pretrain/card.h"
#include "task/pretrain/config.h"
#include "task/pretrain/evaluate.h"
#include "task/pretrain/fields.h"
#include "task/resumable.h"
#include "task/training.h"
#include "task/training_text.h"

namespace attend::task {

namespace {

// Rows are drawn, and tokens hidden, from streams of seeds of their own.
constexpr std::uint64_t kRowSeed = 0x6d61736b726f7773ull, kValidationSeed = 0x6d61736b76616c31ull;
// Batches of about 4,096 tokens in an evaluation while training goes on.
constexpr std::int64_t kMostBatches = 32;

class Training {
 public:
  explicit Training(const PretrainJob& job) : job_(job) {}
  PretrainConfig run();

 private:
  void prepare();
  void resume();
  void fill_folder();
  Tensor loss(const data::MaskedBatch& batch, DType compute, Generator& random) const;
  MaskedEvaluation evaluation(DType compute) const;
  Trainee trainee() const;
  void write_card();

  const PretrainJob& job_;
  bool begun_ = false;
  NewFolders folders_;
  PretrainConfig config_;
  PretrainOptions options_;
  std::unique_ptr<TrainingText> text_;
  std::unique_ptr<data::RandomMaskedRows> rows_;
  std::optional<data::ConsecutiveMaskedRows> validation_;
  std::unique_ptr<model::MaskedLanguageModel> model_;
};

PretrainConfig Training::run() {
  prepare();
  const Trainee trainee = this->trainee();
  if (options_.precision == "auto") options_.precision = measured_precision(trainee, job_);
  config_.training = options_;
  say(job_, fmt::format("model: {} parameters, {} layers of {}, context {}; {}, {} threads",
                        model_->parameter_count(), options_.model.layers, options_.model.dim,
                        options_.model.context, options_.precision, processor().threads));
  fill_folder();
  config_.results = conclude(train_in_place(trainee, options_, job_), options_, job_, begun_);
  write_pretrain_config(job_.out, config_);
  write_card();
  return config_;
}

void Training::resume() {
  config_ = read_pretrain_config(job_.out);
  resume_with(options_, config_, job_.out);
}

/// Everything that can turn out to be wrong, before anything is said or written.
void Training::prepare() {
  check_place(job_, job_.data);
  options_ = job_.options;
  begun_ = job_.resume && holds_model(job_.out);
  if (begun_) resume();
  validate(options_);
  const EncoderStarter start(options_.start, job_, begun_, options_.model, options_.tokenizer);
  TextSource source{.data = job_.data, .tokenizer = options_.tokenizer, .given_tokenizer = start.tokenizer()};
  text_ = std::make_unique<TrainingText>(job_, std::move(source), begun_ ? &config_.data : nullptr);
  const data::Tokenizer& tokenizer = text_->tokenizer();
  options_.model.vocabulary = tokenizer.size() + data::SpecialTokens::kCount;
  rows_ = std::make_unique<data::RandomMaskedRows>(
      text_->split().train, tokenizer,
      data::WindowOptions{.batch = options_.batch, .context = options_.model.context}, mask_options(options_),
      options_.seed ^ kRowSeed);
  validation_.emplace(masked_rows(text_->split().validation, tokenizer, options_, options_.model.context,
                                  options_.seed ^ kValidationSeed));
  require_targets(*validation_);
  model_ = std::make_unique<model::MaskedLanguageModel>(options_.model, options_.seed);
  start.load(*model_, tokenizer);
  config_.model = options_.model;
  config_.tokenizer = options_.tokenizer.kind;
  config_.data = text_->facts();
  config_.training = options_;
  folders_.make(job_.out);
  say(job_, describe(text_->facts(), tokenizer));
}

void Training::fill_folder() {
  if (job_.overwrite && !job_.resume) remove_model(job_.out);
  text_->save(job_.out);
  write_pretrain_config(job_.out, config_);
}

Tensor Training::loss(const data::MaskedBatch& batch, DType compute, Generator& random) const {
  const Shape shape = {batch.rows, batch.length};
  nn::Run run;
  run.training = true;
  run.random = &random;
  run.compute = compute;
  run.recompute_blocks = options_.recompute;
  return model_->loss({.tokens = Tensor::from(batch.tokens, shape)}, Tensor::from(batch.targets, shape), run);
}

MaskedEvaluation Training::evaluation(DType compute) const {
  return evaluation_of(*model_, *validation_, compute, kMostBatches);
}

Trainee Training::trainee() const {
  Trainee trainee;
  trainee.model = model_.get();
  learn_from_batches<data::MaskedBatch>(
      trainee, [this](std::int64_t index) { return rows_->batch(index); },
      [this](const data::MaskedBatch& batch, DType compute, Generator& random) {
        return loss(batch, compute, random);
      });
  trainee.evaluate = [this](DType compute) { return evaluation(compute).loss; };
  trainee.items_per_batch = options_.batch * options_.model.context;
  return trainee;
}

void Training::write_card() {
  std::optional<MaskedEvaluation> validation;
  if (config_.results->validation_loss) {
    model::load_parameters(*model_, job_.out / kWeightsFile);
    validation = evaluation(DType::f32);
  }
  io::write_file_atomically(
      job_.out / kCardFile,
      pretrain_card(config_, validation, model_->parameter_count(), job_.command, job_.out.string()));
}

}  // namespace

PretrainConfig train_pretrain(const PretrainJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
