#pragma once

#include <functional>

#include "attend/tensor/dtype.h"

namespace attend::train {

/// What `--precision auto` measured.
struct PrecisionTiming {
  DType faster = DType::f32;
  double f32_seconds = 0;  ///< shortest time of one step
  double bf16_seconds = 0;
};

/// Runs `step` a few times in f32 and in bf16, in turn, after one unmeasured time each, and tells which was
/// faster (f32 when equal). The step must leave no trace: forward and backward without an update, gradients
/// cleared, generator put back. Which one wins may differ from run to run where the times are close: a run to
/// be repeated bit for bit names its precision.
PrecisionTiming faster_precision(const std::function<void(DType)>& step, int rounds = 3);

}  // namespace attend::train
