#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "attend/base/random.h"
#include "attend/data/batch_loader.h"
#include "attend/nn/module.h"
#include "attend/task/training.h"
#include "attend/tensor/dtype.h"
#include "attend/train/trainer.h"

namespace attend::task {

/// What a task gives to be trained.
struct Trainee {
  const nn::Module* model = nullptr;
  /// The mean loss of a batch, computed in this dtype; it depends on the number of the batch, the parameters
  /// and the generator (dropout) alone.
  std::function<Tensor(std::int64_t index, DType compute, Generator& random)> loss_of = {};
  /// The loss on all held-out data, with the metric that weights are chosen by if there is one. May be empty:
  /// the last weights are kept.
  std::function<train::Validation(DType compute)> evaluate = {};
  /// For the speed that is shown; on average where batches differ.
  std::int64_t items_per_batch = 0;
  std::string item = "tokens";
  /// train::TrainingJob::learning_rate_factor.
  std::function<double(std::int64_t batch)> learning_rate_factor = {};
  /// train::TrainingJob::more_metrics.
  std::function<train::Metrics()> more_metrics = {};
  /// How the input keeps up, learn_from_batches() sets it.
  std::function<train::Metrics()> input_metrics = {};
  train::Watchdog::Options watchdog = {};
};

/// Gives the trainee a loss_of() whose batches are made ahead on another thread, and the metrics of that
/// thread: "input_seconds", what it took to make a batch, and "input_wait_seconds", how long the computation
/// waited for one; means over the batches since they were asked for last. `make` and `loss` are called with
/// the number of a batch and with what was made.
template <class Batch>
void learn_from_batches(Trainee& trainee, std::function<Batch(std::int64_t)> make,
                        std::function<Tensor(const Batch&, DType, Generator&)> loss) {
  auto loader = std::make_shared<std::unique_ptr<data::BatchLoader<Batch>>>();
  auto asked = std::make_shared<data::LoaderTimes>();
  trainee.loss_of = [loader, asked, make = std::move(make), loss = std::move(loss)](
                        std::int64_t index, DType compute, Generator& random) {
    if (*loader == nullptr || (*loader)->index() != index) {
      loader->reset();  // one thread at a time calls `make`
      *loader = std::make_unique<data::BatchLoader<Batch>>(make, data::BatchLoaderOptions{.first = index});
      *asked = {};
    }
    return loss((*loader)->next(), compute, random);
  };
  trainee.input_metrics = [loader, asked]() -> train::Metrics {
    if (*loader == nullptr) return {};
    const data::LoaderTimes before = std::exchange(*asked, (*loader)->times());
    const auto mean = [](double seconds, std::int64_t batches) {
      return batches == 0 ? 0.0 : seconds / static_cast<double>(batches);
    };
    return {{"input_seconds", mean(asked->making_seconds - before.making_seconds, asked->made - before.made)},
            {"input_wait_seconds",
             mean(asked->waiting_seconds - before.waiting_seconds, asked->taken - before.taken)}};
  };
}

/// Throws Error unless a training may write to the place: check_vacant(); `data`, if it is a folder, must not
/// hold the model folder; and ATTEND_ISA must name instructions there are.
void check_place(const TrainingPlace& place, const std::filesystem::path& data);

/// Tells the observer of a place, if there is one.
void say(const TrainingPlace& place, const std::string& line);

/// The faster of f32 and bf16 for a training step, measured; says so. Leaves no trace on the parameters.
std::string measured_precision(const Trainee& trainee, const TrainingPlace& place);

/// Trains with AdamW as the options say; options.precision is f32 or bf16. As train::run_training.
train::TrainingResult train_in_place(const Trainee& trainee, const TrainingOptions& options,
                                     const TrainingPlace& place);

/// What config.json tells of a training. When a resumed one (`begun`) had reached its limit before, says
/// which limit.
TrainingResults conclude(const train::TrainingResult& result, const TrainingOptions& options,
                         const TrainingPlace& place, bool begun);

}  // namespace attend::task
