#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attend/tensor/storage.h"

namespace attend::train {

/// How training stands after an update.
struct StepReport {
  std::int64_t step = 0;   ///< updates done
  std::int64_t steps = 0;  ///< updates to do; 0 when only the time is limited
  double loss = 0;         ///< mean over the batches of this update, before it
  double learning_rate = 0;
  double gradient_norm = 0;     ///< before clipping
  double items_per_second = 0;  ///< lately; 0 when the job does not tell the items of a batch
  std::string item = "tokens";  ///< what they are
  double seconds = 0;           ///< of training so far, runs before a resume included
  double seconds_left = 0;      ///< estimate
  MemoryUse memory = {};
};

/// The result of an evaluation.
struct EvaluationReport {
  std::int64_t step = 0;
  double loss = 0;
  bool best = false;  ///< the best so far
  std::optional<double> metric = {};
};

/// Is told how training goes; it changes nothing. Every call has an empty default.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_step(const StepReport&) {}
  virtual void on_evaluation(const EvaluationReport&) {}
  /// A checkpoint was saved.
  virtual void on_save(std::int64_t /*step*/) {}
  /// One line that the user should see.
  virtual void on_message(std::string_view) {}
};

}  // namespace attend::train
