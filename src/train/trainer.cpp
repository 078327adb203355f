#include "attend/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "attend/autograd/tape.h"
#include "attend/base/error.h"
#include "attend/train/checkpoint.h"
#include "attend/train/metrics_log.h"
#include "train/tensor_file.h"
#include "train/training_state.h"
#include "train/weight_average.h"

namespace attend::train {
namespace {

constexpr const char* kTraining = "training";
constexpr const char* kWeights = "weights.safetensors";
constexpr const char* kAverage = "average.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kState = "state.json";

void require(bool holds, std::string_view option, double found, std::string_view accepted) {
  if (!holds) throw Error(fmt::format("{} is {}, accepted: {}", option, found, accepted));
}

void check(const TrainingJob& job, const TrainerOptions& o) {
  if (job.optimizer == nullptr || !job.loss_of || job.parameters.empty())
    throw Error("a training job needs parameters, an optimizer and a loss");
  require(o.steps >= 0, "steps", static_cast<double>(o.steps), "0 or more");
  require(o.minutes >= 0 && std::isfinite(o.minutes), "minutes", o.minutes, "0 or more");
  if (o.steps == 0 && o.minutes == 0) throw Error("training needs a number of steps or of minutes");
  require(o.accumulate >= 1, "accumulate", static_cast<double>(o.accumulate), "1 or more");
  require(o.clip >= 0, "clip", o.clip, "0 or more");
  require(o.ema_decay >= 0 && o.ema_decay < 1, "ema decay", o.ema_decay, "0 or more, and less than 1");
  require(o.evaluate_every >= 0, "evaluate every", static_cast<double>(o.evaluate_every), "0 or more");
  require(o.patience >= 0, "patience", static_cast<double>(o.patience), "0 or more");
  require(o.save_every >= 0, "save every", static_cast<double>(o.save_every), "0 or more");
  require(o.log_every >= 0, "log every", static_cast<double>(o.log_every), "0 or more");
  o.schedule.check();
}

NamedTensors tensors_of(const std::vector<Parameter>& parameters) {
  NamedTensors result;
  for (const Parameter& parameter : parameters) result.emplace_back(parameter.name, parameter.tensor);
  return result;
}

bool is_due(std::int64_t step, std::int64_t every) {
  return every > 0 && step % every == 0;
}

/// The two logs of a run, side by side.
struct Logs {
  MetricsLog lines;
  EventFile events;

  void write(std::int64_t step, const Metrics& metrics) {
    using Seconds = std::chrono::duration<double>;
    lines.write(step, metrics);
    events.write(step, metrics, Seconds(std::chrono::system_clock::now().time_since_epoch()).count());
  }
};

class Training {
 public:
  Training(const TrainingJob& job, const TrainerOptions& options)
      : job_(job),
        options_(options),
        observer_(job.observer != nullptr ? *job.observer : silent_),
        checkpoints_(options.folder / kTraining),
        watchdog_(options.watchdog) {}

  TrainingResult run();

 private:
  using Clock = std::chrono::steady_clock;

  bool saves() const { return !options_.folder.empty(); }
  double seconds() const {
    return state_.seconds + std::chrono::duration<double>(Clock::now() - start_).count();
  }

  void prepare();
  void load(const FoundCheckpoint& found);
  std::optional<StopReason> stop_reason() const;
  double learning_rate();
  void update();
  void report(double learning_rate, double norm);
  bool is_best(const Validation& found) const;
  void evaluate();
  void save();

  const TrainingJob& job_;
  const TrainerOptions& options_;
  Observer silent_;
  Observer& observer_;
  CheckpointFolder checkpoints_;
  std::optional<Logs> logs_;
  std::optional<WeightAverage> average_;
  Watchdog watchdog_;
  TrainingState state_;  // its seconds are those before this run
  Clock::time_point start_ = Clock::now();
  std::int64_t saved_step_ = -1;
  double loss_ = std::numeric_limits<double>::quiet_NaN();
  double update_seconds_ = 0;  // running mean
};

TrainingResult Training::run() {
  prepare();
  std::optional<StopReason> reason;
  try {
    while (!(reason = stop_reason())) {
      update();
      if (job_.evaluate && is_due(state_.step, options_.evaluate_every)) evaluate();
      if (is_due(state_.step, options_.save_every) && saved_step_ != state_.step) save();
    }
    const bool complete = *reason == StopReason::steps || *reason == StopReason::minutes;
    if (job_.evaluate && complete && state_.evaluated_step != state_.step) evaluate();
    if (saved_step_ != state_.step) save();
  } catch (const TrainingStopped& stopped) {
    clear_gradients(job_.parameters);
    if (!saves() || saved_step_ <= 0) throw;
    throw TrainingStopped(fmt::format("{}; the checkpoint of step {} is kept", stopped.what(), saved_step_));
  } catch (...) {
    clear_gradients(job_.parameters);
    throw;
  }
  return {*reason, state_.step, loss_, seconds(), state_.best, state_.best_metric, state_.best_step};
}

void Training::prepare() {
  state_.notes = options_.notes;
  if (options_.ema_decay > 0) average_.emplace(job_.parameters, options_.ema_decay);
  std::optional<FoundCheckpoint> found;
  if (saves()) {
    if (!options_.resume && checkpoints_.has_any())
      throw Error(fmt::format("{} already holds a training run: resume it or choose another folder",
                              options_.folder.string()));
    checkpoints_.lock();
    if (options_.resume) found = checkpoints_.find();
    if (found) load(*found);
    const std::int64_t last_step = found ? found->step : -1;
    logs_.emplace(Logs{MetricsLog(options_.folder / "metrics.jsonl", last_step),
                       EventFile(options_.folder / EventFile::kName, last_step)});
    Metrics metrics = {{"event", found ? "resume" : "start"}};
    for (const auto& [name, value] : state_.notes) metrics.emplace_back(name, value);
    logs_->lines.write(state_.step, metrics);
  }
  start_ = Clock::now();
  if (!found) save();
}

void Training::load(const FoundCheckpoint& found) {
  const std::filesystem::path path = found.folder / kState;
  TrainingState state = read_state(path);
  if (state.step != found.step)
    throw Error(fmt::format("{}: \"step\" is {}, expected {}", path.string(), state.step, found.step));
  const NamedTensors own = tensors_of(job_.parameters);
  const NamedTensors read = read_tensors(found.folder / kWeights, own);
  NamedTensors averages;
  if (average_) averages = read_tensors(found.folder / kAverage, own);
  job_.optimizer->load(found.folder / kOptimizer);
  for (std::size_t i = 0; i < own.size(); ++i) own[i].second.copy_from(read[i].second);
  for (std::size_t i = 0; i < averages.size(); ++i)
    average_->tensors()[i].second.copy_from(averages[i].second);
  if (job_.random != nullptr) *job_.random = Generator(state.random_seed, state.random_position);
  state_ = std::move(state);
  watchdog_.set_state(state_.watchdog);
  saved_step_ = state_.step;
  for (const std::string& damage : found.damaged)
    observer_.on_message(fmt::format("{}; going on from step {} instead", damage, found.step));
}

std::optional<StopReason> Training::stop_reason() const {
  if (options_.steps > 0 && state_.step >= options_.steps) return StopReason::steps;
  if (options_.minutes > 0 && seconds() >= 60 * options_.minutes) return StopReason::minutes;
  if (options_.patience > 0 && state_.evaluations_since_best >= options_.patience)
    return StopReason::early_stopping;
  if (options_.stop != nullptr && options_.stop->load()) return StopReason::interrupted;
  return std::nullopt;
}

double Training::learning_rate() {
  if (options_.minutes == 0) return options_.schedule.at(state_.step, options_.steps);
  double fraction = seconds() / (60 * options_.minutes);
  if (options_.steps > 0)
    fraction = std::max(fraction, static_cast<double>(state_.step) / static_cast<double>(options_.steps));
  if (state_.step <= options_.schedule.warmup) state_.warmup_fraction = fraction;
  return options_.schedule.at(state_.step, fraction, state_.warmup_fraction);
}

void Training::update() {
  const Clock::time_point start = Clock::now();
  double rate = learning_rate();
  if (job_.learning_rate_factor) rate *= job_.learning_rate_factor(state_.batch);
  double sum = 0;
  for (std::int64_t i = 0; i < options_.accumulate; ++i) {
    const Tensor loss = job_.loss_of(state_.batch++);
    sum += loss.item();
    autograd::backward(
        loss, Tensor::full(loss.shape(), 1.0 / static_cast<double>(options_.accumulate), loss.dtype()));
  }
  loss_ = sum / static_cast<double>(options_.accumulate);
  const double norm = gradient_norm(job_.optimizer->parameters());
  watchdog_.check(state_.step + 1, loss_, norm);
  job_.optimizer->step(rate, clip_scale(norm, options_.clip));
  clear_gradients(job_.parameters);
  ++state_.step;
  if (average_) average_->update(state_.step);
  const double taken = std::chrono::duration<double>(Clock::now() - start).count();
  // The first updates are slow: kernels are made, memory is fetched.
  update_seconds_ = update_seconds_ == 0 ? taken : 0.9 * update_seconds_ + 0.1 * taken;
  report(rate, norm);
}

void Training::report(double learning_rate, double norm) {
  StepReport step{.step = state_.step,
                  .steps = options_.steps,
                  .loss = loss_,
                  .learning_rate = learning_rate,
                  .gradient_norm = norm,
                  .item = job_.item,
                  .seconds = seconds(),
                  .memory = memory_use()};
  if (update_seconds_ > 0)
    step.items_per_second = static_cast<double>(job_.items_per_batch * options_.accumulate) / update_seconds_;
  step.seconds_left = std::numeric_limits<double>::infinity();
  if (options_.steps > 0)
    step.seconds_left = static_cast<double>(options_.steps - state_.step) * update_seconds_;
  if (options_.minutes > 0)
    step.seconds_left = std::clamp(60 * options_.minutes - step.seconds, 0.0, step.seconds_left);
  observer_.on_step(step);
  if (!logs_ || options_.log_every == 0) return;
  if (state_.step != 1 && state_.step != options_.steps && !is_due(state_.step, options_.log_every)) return;
  Metrics metrics = {{"loss", loss_},           {"learning_rate", learning_rate},
                     {"gradient_norm", norm},   {job_.item + "_per_second", step.items_per_second},
                     {"seconds", step.seconds}, {"peak_bytes", step.memory.peak}};
  if (job_.more_metrics)
    for (auto& metric : job_.more_metrics()) metrics.push_back(std::move(metric));
  logs_->write(state_.step, metrics);
}

bool Training::is_best(const Validation& found) const {
  if (!state_.best) return true;
  if (found.metric && state_.best_metric && *found.metric != *state_.best_metric)
    return *found.metric > *state_.best_metric;
  return found.loss < *state_.best;
}

void Training::evaluate() {
  const std::optional<Generator> before = job_.random != nullptr ? std::optional(*job_.random) : std::nullopt;
  const Validation found = [&] {
    const autograd::NoGrad guard;
    std::optional<WeightAverage::InPlace> averages;
    if (average_) averages.emplace(*average_);
    return job_.evaluate();
  }();
  if (before) *job_.random = *before;
  if (!std::isfinite(found.loss))
    throw TrainingStopped(fmt::format("step {}: the validation loss is {}", state_.step, found.loss));
  state_.evaluated_step = state_.step;
  const bool best = is_best(found);
  if (best) {
    state_.best = found.loss;
    state_.best_metric = found.metric;
    state_.best_step = state_.step;
    state_.evaluations_since_best = 0;
  } else {
    ++state_.evaluations_since_best;
  }
  observer_.on_evaluation({state_.step, found.loss, best, found.metric});
  if (logs_) {
    Metrics metrics = {{"validation_loss", found.loss}, {"best", *state_.best}};
    if (found.metric) metrics.emplace_back("validation_metric", *found.metric);
    logs_->write(state_.step, metrics);
  }
  if (best) save();
}

void Training::save() {
  if (!saves()) {
    saved_step_ = state_.step;
    return;
  }
  if (!all_finite(job_.parameters))
    throw TrainingStopped(fmt::format("step {}: a weight is infinite or NaN", state_.step));
  TrainingState state = state_;
  state.seconds = seconds();
  state.watchdog = watchdog_.state();
  if (job_.random != nullptr) {
    state.random_seed = job_.random->seed();
    state.random_position = job_.random->position();
  }
  const NamedTensors weights = tensors_of(job_.parameters);
  // The model first: when the process dies between the two, the resumed run comes by here again.
  const bool export_now = state_.best ? state_.best_step == state_.step : state_.step > 0;
  if (export_now)
    write_tensors(options_.folder / "model.safetensors", average_ ? average_->tensors() : weights,
                  {{"format", "pt"}});
  std::vector<CheckpointFile> files = {{kWeights, [&](const auto& path) { write_tensors(path, weights); }},
                                       {kOptimizer, [&](const auto& path) { job_.optimizer->save(path); }},
                                       {kState, [&](const auto& path) { write_state(path, state); }}};
  if (average_)
    files.push_back({kAverage, [&](const auto& path) { write_tensors(path, average_->tensors()); }});
  checkpoints_.save(state_.step, files);
  saved_step_ = state_.step;
  observer_.on_save(state_.step);
}

}  // namespace

TrainingResult run_training(const TrainingJob& job, const TrainerOptions& options) {
  check(job, options);
  return Training(job, options).run();
}

std::optional<std::map<std::string, std::string>> read_notes(const std::filesystem::path& folder) {
  const auto found = CheckpointFolder(folder / kTraining).find();
  if (!found) return std::nullopt;
  return read_state(found->folder / kState).notes;
}

}  // namespace attend::train
