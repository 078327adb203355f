#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "attend/train/observer.h"

/// What the trainings of all tasks share.
namespace attend::task {

/// How a model is trained. The names are keys of "training" in config.json.
struct TrainingOptions {
  std::int64_t batch = 12;      ///< what it counts depends on the task: windows, texts or tokens at once
  std::int64_t accumulate = 1;  ///< batches for one update
  std::int64_t steps = 2000;    ///< updates; 0: as many as the time allows
  double minutes = 0;           ///< time of training; 0: no limit
  double learning_rate = 1e-3;
  double minimum_learning_rate = 1e-4;
  std::int64_t warmup = 100;        ///< updates
  std::string schedule = "cosine";  ///< see train::decay_from_name
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 0.1;
  double clip = 1;  ///< largest norm of the gradient; 0: no clipping
  double label_smoothing = 0;
  double ema_decay = 0;  ///< of the moving average of the weights; see train::TrainerOptions. 0: none

  std::string precision = "auto";     ///< f32, bf16, or auto: both are timed, the faster one is kept
  std::int64_t evaluate_every = 250;  ///< updates; 0: at the end only
  std::int64_t save_every = 0;        ///< updates; 0: at each new best and at the end only
  std::int64_t patience = 0;  ///< evaluations without a new best before training ends; 0: no early end
  bool recompute = false;     ///< less memory, one forward pass more
  std::uint64_t seed = 1;
};

/// What training led to.
struct TrainingResults {
  std::string ended;  ///< "steps", "minutes", "early stopping", "interrupted"
  std::int64_t step = 0;
  double seconds = 0;
  /// Of the weights in model.safetensors, over all held-out data; empty before the first evaluation.
  std::optional<double> validation_loss;
  std::int64_t best_step = 0;
};

/// Where a training writes, and who is told of it.
struct TrainingPlace {
  std::filesystem::path out;  ///< the model folder
  bool resume = false;        ///< go on where the training in `out` was stopped; starts it when there is none
  bool overwrite = false;     ///< replace a model that `out` holds
  std::string command;        ///< for the model card
  train::Observer* observer = nullptr;
  const std::atomic<bool>* stop = nullptr;  ///< becomes true: save and return
};

}  // namespace attend::task
