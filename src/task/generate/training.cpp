#include <fmt/format.h>

#include <memory>

#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/data/language_model.h"
#include "attend/io/file.h"
#include "attend/model/gpt.h"
#include "attend/task/generate.h"
#include "task/generate/card.h"
#include "task/generate/config.h"
#include "task/generate/evaluate.h"
#include "task/generate/fields.h"
#include "task/model_folder.h"
#include "task/resumable.h"
#include "task/training.h"
#include "task/training_text.h"

namespace attend::task {

namespace {

// Windows are drawn from streams of a seed of their own.
constexpr std::uint64_t kWindowSeed = 0x77696e646f777331ull;

class Training {
 public:
  explicit Training(const GenerateJob& job) : job_(job) {}
  GenerateConfig run();

 private:
  void prepare();
  void fill_folder();
  Tensor loss(const data::TokenBatch& batch, DType compute, Generator& random) const;
  Trainee trainee() const;
  void write_card() const;

  const GenerateJob& job_;
  bool begun_ = false;
  NewFolders folders_;
  GenerateConfig config_;
  std::unique_ptr<TrainingText> text_;
  std::unique_ptr<data::RandomWindows> windows_;
  std::unique_ptr<model::Gpt> gpt_;
};

GenerateConfig Training::run() {
  prepare();
  const Trainee trainee = this->trainee();
  TrainingOptions& options = *config_.training;
  if (options.precision == "auto") options.precision = measured_precision(trainee, job_);
  say(job_, fmt::format("model: {} parameters, {} layers of {}, context {}; {}, {} threads",
                        gpt_->parameter_count(), config_.model.layers, config_.model.dim,
                        config_.model.context, options.precision, processor().threads));
  fill_folder();
  config_.results = conclude(train_in_place(trainee, options, job_), options, job_, begun_);
  write_generate_config(job_.out, config_);
  write_card();
  return config_;
}

/// Everything that can turn out to be wrong, before anything is said or written.
void Training::prepare() {
  check_place(job_, job_.data);
  GenerateOptions options = job_.options;
  begun_ = job_.resume && holds_model(job_.out);
  if (begun_) {
    config_ = read_generate_config(job_.out);
    resume_with(options, config_, job_.out);
    options.model.vocabulary = config_.model.vocabulary;
  }
  validate(options);
  text_ = std::make_unique<TrainingText>(job_, TextSource{.data = job_.data, .tokenizer = options.tokenizer},
                                         begun_ ? &config_.data : nullptr);
  if (!begun_) options.model.vocabulary = text_->tokenizer().size();
  windows_ = std::make_unique<data::RandomWindows>(
      text_->split().train, data::WindowOptions{.batch = options.batch, .context = options.model.context},
      options.seed ^ kWindowSeed);
  gpt_ = std::make_unique<model::Gpt>(options.model, options.seed);
  config_.model = options.model;
  config_.tokenizer = options.tokenizer.kind;
  config_.data = text_->facts();
  config_.training = options;
  folders_.make(job_.out);
  say(job_, describe(text_->facts(), text_->tokenizer()));
}

void Training::fill_folder() {
  if (job_.overwrite && !job_.resume) remove_model(job_.out);
  text_->save(job_.out);
  write_generate_config(job_.out, config_);
}

Tensor Training::loss(const data::TokenBatch& batch, DType compute, Generator& random) const {
  const Shape shape = {batch.batch, batch.context};
  nn::Run run;
  run.training = true;
  run.random = &random;
  run.compute = compute;
  run.recompute_blocks = config_.training->recompute;
  return gpt_->loss(Tensor::from(batch.inputs, shape), Tensor::from(batch.targets, shape), run,
                    {.label_smoothing = config_.training->label_smoothing});
}

Trainee Training::trainee() const {
  Trainee trainee;
  trainee.model = gpt_.get();
  learn_from_batches<data::TokenBatch>(
      trainee, [this](std::int64_t index) { return windows_->batch(index); },
      [this](const data::TokenBatch& batch, DType compute, Generator& random) {
        return loss(batch, compute, random);
      });
  trainee.evaluate = [this](DType compute) {
    nn::Run run;
    run.compute = compute;
    return mean_loss(*gpt_, text_->split().validation, run);
  };
  trainee.items_per_batch = config_.training->batch * config_.model.context;
  return trainee;
}

void Training::write_card() const {
  std::optional<Evaluation> validation;
  if (config_.results->validation_loss)
    validation =
        evaluation_of(*config_.results->validation_loss, text_->split().validation, text_->tokenizer());
  io::write_file_atomically(job_.out / kCardFile, model_card(config_, validation, gpt_->parameter_count(),
                                                             job_.command, job_.out.string()));
}

}  // namespace

GenerateConfig train_generate(const GenerateJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
