#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "attend/autograd/tape.h"
#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/data/batch_loader.h"
#include "attend/data/language_model.h"
#include "attend/io/file.h"
#include "attend/model/gpt.h"
#include "attend/task/generate.h"
#include "attend/train/optimizer.h"
#include "attend/train/precision.h"
#include "attend/train/trainer.h"
#include "task/evaluate.h"
#include "task/generate_config.h"
#include "task/generate_data.h"
#include "task/generate_fields.h"
#include "task/model_card.h"
#include "task/model_folder.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

// Windows, dropout and initial weights each draw from streams of a seed of their own.
constexpr std::uint64_t kWindowSeed = 0x77696e646f777331ull, kDropoutSeed = 0x64726f706f757431ull;

/// A resumed training keeps what it began with, save for the options that only say how long and how often.
void check_same(const GenerateOptions& options, const GenerateOptions& begun, const fs::path& folder) {
  for_each_option(options, [&](const char* key, const auto& value, const auto& accepted) {
    for_each_option(begun, [&](std::string_view other, const auto& before, const auto&) {
      if constexpr (std::is_same_v<decltype(value), decltype(before)>) {
        if (accepted.may_change || other != key || value == before) return;
        throw Error(fmt::format("{} {}: the training in {} was begun with {}, which a resume cannot change",
                                key, value, folder.string(), before));
      }
    });
  });
  model::GptConfig model = options.model;
  model.vocabulary = begun.model.vocabulary;
  if (model != begun.model)
    throw Error(
        fmt::format("the training in {} was begun with another model (see {}), which a resume cannot change",
                    folder.string(), kConfigFile));
}

class Training {
 public:
  explicit Training(const GenerateJob& job) : job_(job) {}
  GenerateConfig run();

 private:
  void say(const std::string& line) {
    if (job_.observer != nullptr) job_.observer->on_message(line);
  }
  void prepare();
  void fill_folder();
  std::string measured_precision();
  Tensor loss(const data::TokenBatch& batch, DType compute, Generator& random) const;
  train::TrainingResult train();
  void say_nothing_left(const train::TrainingResult& result);
  void conclude(const train::TrainingResult& result);

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
  fill_folder();
  conclude(train());
  return config_;
}

/// Everything that can turn out to be wrong, before anything is said or written.
void Training::prepare() {
  check_vacant(job_.out, job_.resume, job_.overwrite);
  processor();  // refuses an ATTEND_ISA that names no instruction set
  GenerateOptions options = job_.options;
  begun_ = job_.resume && holds_model(job_.out);
  if (begun_) {
    config_ = read_generate_config(job_.out);
    if (!config_.training)
      throw Error(fmt::format("{}: has no \"training\" to resume", (job_.out / kConfigFile).string()));
    if (options.precision == "auto") options.precision = config_.training->precision;
    check_same(options, *config_.training, job_.out);
    options.model.vocabulary = config_.model.vocabulary;
  }
  std::error_code ignored;
  if (fs::is_directory(job_.data, ignored) &&
      fs::weakly_canonical(job_.out, ignored)
          .string()
          .starts_with(fs::weakly_canonical(job_.data, ignored).string() + "/"))
    throw Error(fmt::format("--out {}: lies inside --data {}, whose text it would become a part of",
                            job_.out.string(), job_.data.string()));
  validate(options);
  text_ = std::make_unique<TrainingText>(job_, begun_ ? &config_ : nullptr);
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
  const TextFacts& facts = text_->facts();
  say(fmt::format("text: {} characters, {} tokens ({} different), the last {} of them for validation",
                  facts.characters, facts.tokens, text_->tokenizer().size(), facts.validation_tokens));
  if (options.precision == "auto") config_.training->precision = measured_precision();
  say(fmt::format("model: {} parameters, {} layers of {}, context {}; {}, {} threads",
                  gpt_->parameter_count(), options.model.layers, options.model.dim, options.model.context,
                  config_.training->precision, processor().threads));
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

std::string Training::measured_precision() {
  if (!processor().fast_bf16) return "f32";
  const data::TokenBatch batch = windows_->batch(0);
  const auto parameters = gpt_->parameters();
  const train::PrecisionTiming timing = train::faster_precision([&](DType dtype) {
    Generator random(0);
    autograd::backward(loss(batch, dtype, random));
    train::clear_gradients(parameters);
  });
  say(fmt::format("precision: {} (a step takes {:.1f} ms in bf16, {:.1f} ms in f32)", name_of(timing.faster),
                  1e3 * timing.bf16_seconds, 1e3 * timing.f32_seconds));
  return std::string(name_of(timing.faster));
}

train::TrainingResult Training::train() {
  const GenerateOptions& options = *config_.training;
  const DType compute = dtype_from_name(options.precision);
  Generator random(options.seed ^ kDropoutSeed);
  train::AdamW optimizer(
      gpt_->parameters(),
      {.beta1 = options.beta1, .beta2 = options.beta2, .weight_decay = options.weight_decay});
  std::unique_ptr<data::BatchLoader> loader;
  train::TrainingJob job;
  job.parameters = gpt_->parameters();
  job.optimizer = &optimizer;
  job.random = &random;
  job.loss_of = [&](std::int64_t index) {
    if (loader == nullptr)
      loader = std::make_unique<data::BatchLoader>([this](std::int64_t i) { return windows_->batch(i); },
                                                   data::BatchLoaderOptions{.first = index});
    return loss(loader->next(), compute, random);
  };
  job.evaluate = [&] {
    nn::Run run;
    run.compute = compute;
    return mean_loss(*gpt_, text_->split().validation, run);
  };
  job.tokens_per_batch = options.batch * options.model.context;
  job.observer = job_.observer;
  train::TrainerOptions trainer;
  trainer.steps = options.steps;
  trainer.minutes = options.minutes;
  trainer.accumulate = options.accumulate;
  trainer.clip = options.clip;
  trainer.schedule = {.decay = train::decay_from_name(options.schedule),
                      .maximum = options.learning_rate,
                      .minimum = options.minimum_learning_rate,
                      .warmup = options.warmup};
  trainer.evaluate_every = options.evaluate_every;
  trainer.patience = options.patience;
  trainer.save_every = options.save_every;
  trainer.folder = job_.out;
  trainer.resume = job_.resume;
  trainer.stop = job_.stop;
  return train::run_training(job, trainer);
}

/// When a resumed training had reached its limit before.
void Training::say_nothing_left(const train::TrainingResult& result) {
  const GenerateOptions& options = *config_.training;
  std::string limit = fmt::format("{} evaluations without a new best; a larger --patience", options.patience);
  if (result.reason == train::StopReason::steps)
    limit = fmt::format("{} updates of {}; a larger --steps or --minutes", result.step, options.steps);
  if (result.reason == train::StopReason::minutes)
    limit = fmt::format("{:.3g} of {:.3g} minutes; larger --minutes or --steps", result.seconds / 60,
                        options.minutes);
  say(fmt::format("nothing left to do: the training had reached {} would go on", limit));
}

void Training::conclude(const train::TrainingResult& result) {
  const bool made_none = std::isnan(result.loss);
  if (begun_ && made_none && result.reason != train::StopReason::interrupted) say_nothing_left(result);
  static constexpr const char* kReasons[] = {"steps", "minutes", "early stopping", "interrupted"};
  config_.results = GenerateResults{.ended = kReasons[static_cast<std::size_t>(result.reason)],
                                    .step = result.step,
                                    .seconds = result.seconds,
                                    .validation_loss = result.best,
                                    .best_step = result.best_step};
  write_generate_config(job_.out, config_);
  std::optional<Evaluation> validation;
  if (result.best) validation = evaluation_of(*result.best, text_->split().validation, text_->tokenizer());
  io::write_file_atomically(job_.out / kCardFile, model_card(config_, validation, gpt_->parameter_count(),
                                                             job_.command, job_.out.string()));
}

}  // namespace

GenerateConfig train_generate(const GenerateJob& job) {
  return Training(job).run();
}

}  // namespace attend::task
