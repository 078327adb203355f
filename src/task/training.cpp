#include "task/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "attend/autograd/tape.h"
#include "attend/backend/processor.h"
#include "attend/base/error.h"
#include "attend/train/optimizer.h"
#include "attend/train/precision.h"
#include "attend/train/schedule.h"
#include "task/model_folder.h"
#include "task/training_fields.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

// Dropout draws from streams of a seed of its own.
constexpr std::uint64_t kDropoutSeed = 0x64726f706f757431ull;

train::Schedule schedule_of(const TrainingOptions& options) {
  return {.decay = train::decay_from_name(options.schedule),
          .maximum = options.learning_rate,
          .minimum = options.minimum_learning_rate,
          .warmup = options.warmup};
}

std::string reached_limit(const train::TrainingResult& result, const TrainingOptions& options) {
  switch (result.reason) {
    case train::StopReason::steps:
      return fmt::format("{} updates of {}; a larger --steps or --minutes", result.step, options.steps);
    case train::StopReason::minutes:
      return fmt::format("{:.3g} of {:.3g} minutes; larger --minutes or --steps", result.seconds / 60,
                         options.minutes);
    default:
      return fmt::format("{} evaluations without a new best; a larger --patience", options.patience);
  }
}

}  // namespace

void check_limits(const TrainingOptions& options) {
  if (options.steps == 0 && options.minutes == 0)
    throw Error("steps 0 and minutes 0: training needs a number of steps or of minutes");
  schedule_of(options).check();
}

void check_place(const TrainingPlace& place, const fs::path& data) {
  check_vacant(place.out, place.resume, place.overwrite);
  processor();  // refuses an ATTEND_ISA that names no instruction set
  std::error_code ignored;
  if (fs::is_directory(data, ignored) && fs::weakly_canonical(place.out, ignored)
                                             .string()
                                             .starts_with(fs::weakly_canonical(data, ignored).string() + "/"))
    throw Error(fmt::format("--out {}: lies inside --data {}, whose files it would become one of",
                            place.out.string(), data.string()));
}

void say(const TrainingPlace& place, const std::string& line) {
  if (place.observer != nullptr) place.observer->on_message(line);
}

std::string measured_precision(const Trainee& trainee, const TrainingPlace& place) {
  if (!processor().fast_bf16) return "f32";
  const auto parameters = trainee.model->parameters();
  // A step in training moves them.
  std::vector<std::pair<Tensor, Tensor>> buffers;
  for (const nn::NamedParameter& parameter : parameters)
    if (!parameter.trainable) buffers.emplace_back(parameter.tensor, parameter.tensor.clone());
  const train::PrecisionTiming timing = train::faster_precision([&](DType dtype) {
    Generator random(0);
    autograd::backward(trainee.loss_of(0, dtype, random));
    train::clear_gradients(parameters);
  });
  for (const auto& [buffer, before] : buffers) buffer.copy_from(before);
  say(place, fmt::format("precision: {} (a step takes {:.1f} ms in bf16, {:.1f} ms in f32)",
                         name_of(timing.faster), 1e3 * timing.bf16_seconds, 1e3 * timing.f32_seconds));
  return std::string(name_of(timing.faster));
}

train::TrainingResult train_in_place(const Trainee& trainee, const TrainingOptions& options,
                                     const TrainingPlace& place) {
  const DType compute = dtype_from_name(options.precision);
  Generator random(options.seed ^ kDropoutSeed);
  train::AdamW optimizer(
      trainee.model->parameters(),
      {.beta1 = options.beta1, .beta2 = options.beta2, .weight_decay = options.weight_decay});
  train::TrainingJob job;
  job.parameters = trainee.model->parameters();
  job.optimizer = &optimizer;
  job.random = &random;
  job.loss_of = [&](std::int64_t index) { return trainee.loss_of(index, compute, random); };
  if (trainee.evaluate) job.evaluate = [&] { return trainee.evaluate(compute); };
  job.learning_rate_factor = trainee.learning_rate_factor;
  job.more_metrics = [&trainee] {
    train::Metrics metrics;
    for (const auto& more : {trainee.more_metrics, trainee.input_metrics})
      if (more) std::ranges::move(more(), std::back_inserter(metrics));
    return metrics;
  };
  job.items_per_batch = trainee.items_per_batch;
  job.item = trainee.item;
  job.observer = place.observer;
  train::TrainerOptions trainer;
  trainer.steps = options.steps;
  trainer.minutes = options.minutes;
  trainer.accumulate = options.accumulate;
  trainer.clip = options.clip;
  trainer.ema_decay = options.ema_decay;
  trainer.schedule = schedule_of(options);
  trainer.evaluate_every = options.evaluate_every;
  trainer.patience = options.patience;
  trainer.save_every = options.save_every;
  trainer.watchdog = trainee.watchdog;
  trainer.folder = place.out;
  trainer.resume = place.resume;
  trainer.stop = place.stop;
  return train::run_training(job, trainer);
}

TrainingResults conclude(const train::TrainingResult& result, const TrainingOptions& options,
                         const TrainingPlace& place, bool begun) {
  const bool made_none = std::isnan(result.loss);
  if (begun && made_none && result.reason != train::StopReason::interrupted)
    say(place, fmt::format("nothing left to do: the training had reached {} would go on",
                           reached_limit(result, options)));
  static constexpr const char* kReasons[] = {"steps", "minutes", "early stopping", "interrupted"};
  return {.ended = kReasons[static_cast<std::size_t>(result.reason)],
          .step = result.step,
          .seconds = result.seconds,
          .validation_loss = result.best,
          .best_step = result.best_step};
}

}  // namespace attend::task
