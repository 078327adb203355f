#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "attend/task/training.h"
#include "cli/overrides.h"

/// What `attend train TASK` has in common for all tasks.
namespace attend::cli {

inline constexpr const char* kFilesGroup = "Data and model folder";
inline constexpr const char* kModelGroup = "Model";
inline constexpr const char* kTrainingGroup = "Training";
inline constexpr const char* kRunGroup = "Evaluation, saving, running";

struct TrainingVerb {
  std::string out;
  std::int64_t threads = 0;
  bool resume = false, overwrite = false;
  std::shared_ptr<Overrides<task::TrainingOptions>> given =
      std::make_shared<Overrides<task::TrainingOptions>>();
};

/// --out.
void add_model_folder(CLI::App* verb, const std::shared_ptr<TrainingVerb>& shared);

/// Every option of task::TrainingOptions, --threads, --resume and --overwrite. `batch` says what --batch
/// counts.
void add_training_options(CLI::App* verb, const std::shared_ptr<TrainingVerb>& shared, const char* batch);

/// True when a training in --out is to be resumed.
bool resumes(const TrainingVerb& shared);

/// Lays what was given over options. A limit that is given (--steps, --minutes) takes the place of both.
void apply(const TrainingVerb& shared, const CLI::App& verb, task::TrainingOptions& options);

/// Runs a training with a progress bar; Ctrl-C saves. Prints what came of it and returns the exit code.
int show_training(const CLI::App& verb, const TrainingVerb& shared,
                  const std::function<task::TrainingResults(const task::TrainingPlace&)>& train);

}  // namespace attend::cli
