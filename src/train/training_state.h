#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "attend/train/watchdog.h"

namespace attend::train {

/// All that training remembers beside weights and the optimizer's tensors.
struct TrainingState {
  std::int64_t step = 0;   ///< updates done
  std::int64_t batch = 0;  ///< the next one
  double seconds = 0;
  double warmup_fraction = 0;  ///< part of the run that was over at the end of the warm-up; see Schedule::at
  std::optional<double> best;  ///< the loss of the best evaluation
  std::optional<double> best_metric;  ///< its metric
  std::int64_t best_step = 0;
  std::int64_t evaluated_step = 0;  ///< of the last evaluation
  std::int64_t evaluations_since_best = 0;
  std::uint64_t random_seed = 0, random_position = 0;
  Watchdog::State watchdog;
  std::map<std::string, std::string> notes;
};

/// As JSON; numbers are read back to the same bits.
void write_state(const std::filesystem::path& path, const TrainingState& state);

/// Throws Error naming the file and what is missing or wrong in it.
TrainingState read_state(const std::filesystem::path& path);

}  // namespace attend::train
