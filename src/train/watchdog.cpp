#include "attend/train/watchdog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace attend::train {

void Watchdog::check(std::int64_t step, double loss, double gradient_norm) {
  constexpr const char* kAdvice = "try a lower learning rate or a longer warm-up";
  if (!std::isfinite(loss))
    throw TrainingStopped(fmt::format("step {}: the loss is {}; {}", step, loss, kAdvice));
  if (!std::isfinite(gradient_norm))
    throw TrainingStopped(fmt::format("step {}: the gradient's norm is {} at loss {:.4g}; {}", step,
                                      gradient_norm, loss, kAdvice));
  if (state_.updates++ == 0) {
    state_.running = state_.lowest = loss;
    return;
  }
  const double limit = state_.lowest + std::max(options_.margin, options_.factor * std::abs(state_.lowest));
  state_.above = loss > limit ? state_.above + 1 : 0;
  if (options_.patience > 0 && state_.above >= options_.patience)
    throw TrainingStopped(
        fmt::format("step {}: training diverged: the loss has been above {:.4g} for {} steps, after a "
                    "running loss of {:.4g}; {}",
                    step, limit, state_.above, state_.lowest, kAdvice));
  state_.running = 0.9 * state_.running + 0.1 * loss;
  state_.lowest = std::min(state_.lowest, state_.running);
}

}  // namespace attend::train
