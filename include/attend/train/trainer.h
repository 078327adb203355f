#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attend/base/random.h"
#include "attend/train/metrics_log.h"
#include "attend/train/observer.h"
#include "attend/train/optimizer.h"
#include "attend/train/schedule.h"
#include "attend/train/watchdog.h"

namespace attend::train {

struct TrainerOptions {
  std::int64_t steps = 0;       ///< updates to do; 0: as many as the time allows
  double minutes = 0;           ///< time for all of training, runs before a resume included; 0: no limit
  std::int64_t accumulate = 1;  ///< batches for one update; their gradients are averaged
  double clip = 1.0;            ///< largest norm of the gradient; 0: no clipping
  /// Decay of the exponential moving average of the weights: evaluations and the model take the averages, and
  /// training goes on with the weights themselves. At update t it is min(ema_decay, (1 + t) / (10 + t));
  /// 0: no averages.
  double ema_decay = 0;
  Schedule schedule = {};
  std::int64_t evaluate_every = 0;  ///< updates; 0: at the end only
  std::int64_t patience =
      0;  ///< evaluations in a row without a new best before training ends; 0: no early end
  std::int64_t save_every = 0;  ///< updates; 0: at each new best and at the end only
  std::int64_t log_every = 10;  ///< updates between two lines of metrics.jsonl
  Watchdog::Options watchdog = {};
  std::filesystem::path folder = {};  ///< the model folder; empty: nothing is written
  bool resume = false;                ///< go on from the checkpoint in `folder`
  std::map<std::string, std::string> notes =
      {};  ///< kept in each checkpoint for read_notes(); a resumed run keeps its own
  const std::atomic<bool>* stop =
      nullptr;  ///< becomes true (Ctrl-C): save and return after the current update
};

/// How good a model is on held-out data.
struct Validation {
  // Not explicit: an evaluation may return the loss alone.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Validation(double loss_found, std::optional<double> metric_found = {})
      : loss(loss_found), metric(metric_found) {}

  double loss;
  /// What the weights are chosen by, larger is better; equal ones by the loss. Without it, by the loss alone.
  std::optional<double> metric;
};

/// What is trained, and on what.
struct TrainingJob {
  /// All parameters of the model, as they go into model.safetensors.
  std::vector<Parameter> parameters = {};
  /// Updates some or all of them.
  Optimizer* optimizer = nullptr;
  /// The generator that loss_of draws from (dropout); its place is part of a checkpoint. May be null.
  Generator* random = nullptr;
  /// The mean loss, one element, of batch 0, 1, 2 ...; must depend on the batch's number, the parameters and
  /// `random` alone. A parameter that a loss does not depend on is left as it is, with its optimizer state:
  /// players with losses of their own take turns by the number of the batch, which must not change within
  /// `accumulate` batches.
  std::function<Tensor(std::int64_t batch)> loss_of = {};
  /// What the learning rate of the schedule is multiplied by in the update that begins with this batch:
  /// players may learn at rates of their own. May be empty: by 1.
  std::function<double(std::int64_t batch)> learning_rate_factor = {};
  /// More numbers for the lines of metrics.jsonl about updates, asked for after an update. May be empty.
  std::function<Metrics()> more_metrics = {};
  /// On held-out data; called without recording. May be empty. `random` is put back after it.
  std::function<Validation()> evaluate = {};
  /// For the speed that is shown, in `item` a second; 0: none.
  std::int64_t items_per_batch = 0;
  std::string item = "tokens";
  Observer* observer = nullptr;
};

enum class StopReason {
  steps,           ///< all updates are done
  minutes,         ///< the time is over
  early_stopping,  ///< no new best for `patience` evaluations
  interrupted,     ///< `stop` became true
};

struct TrainingResult {
  StopReason reason = StopReason::steps;
  std::int64_t step = 0;  ///< updates done, runs before a resume included
  double loss = 0;        ///< of the last update of this run; NaN when it made none
  double seconds = 0;
  std::optional<double> best = {};         ///< the loss of the best evaluation
  std::optional<double> best_metric = {};  ///< its metric
  std::int64_t best_step = 0;
};

/// Trains. With a folder it keeps there
///
///     model.safetensors            the parameters: the best by evaluation, or without one the last saved
///     training/checkpoint-STEP/    all that a resume needs:
///         weights.safetensors      the parameters
///         average.safetensors      their averages, where there are any
///         optimizer.safetensors
///         state.json
///     metrics.jsonl                {"step", "loss", "learning_rate", ...}, {"step", "validation_loss", ...}
///     events.out.tfevents.attend   the same for TensorBoard
///
/// A run limited by steps and resumed any number of times, also after it was killed, gives the same bits as
/// one in one piece. Runs limited by minutes are not reproducible: the clock decides how many updates there
/// are, and the learning rate follows it (the part done is the larger of step / steps and time / minutes).
///
/// Throws Error for options out of range, for a folder that already holds a training run when `resume` is
/// false, and when a checkpoint cannot be read or written. A full disk ends training at once: the error names
/// the file, the checkpoint before stays whole, and a resume goes on from it once there is room. Throws
/// TrainingStopped as Watchdog does; weights that are not finite are never saved. `resume` in a folder
/// without any checkpoint starts at the beginning.
TrainingResult run_training(const TrainingJob& job, const TrainerOptions& options);

/// The notes in the latest whole checkpoint of a model folder; nothing when there is no checkpoint. Throws
/// Error when there are only damaged ones.
std::optional<std::map<std::string, std::string>> read_notes(const std::filesystem::path& folder);

}  // namespace attend::train
