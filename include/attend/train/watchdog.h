#pragma once

#include <cstdint>

#include "attend/base/error.h"

namespace attend::train {

/// Training cannot go on usefully: a value that is not finite, or divergence.
class TrainingStopped : public Error {
 public:
  using Error::Error;
};

/// Watches the loss and the gradient of every update.
///
/// Divergence: with the running loss r = 0.9 r + 0.1 loss (r = the first loss at the start) and its lowest
/// value so far b, the loss was above b + max(margin, factor |b|) for `patience` updates in a row. A loss
/// that falls back once starts the count again.
class Watchdog {
 public:
  struct Options {
    double margin = 1.0;
    double factor = 1.0;
    std::int64_t patience = 100;  ///< updates; 0: divergence is not watched
  };

  /// What it remembers between updates; saved with a checkpoint.
  struct State {
    std::int64_t updates = 0;  ///< seen so far
    double running = 0;
    double lowest = 0;
    std::int64_t above = 0;  ///< updates in a row above the limit
  };

  Watchdog() = default;
  explicit Watchdog(const Options& options) : options_(options) {}

  /// To be called before the gradient is applied. Throws TrainingStopped, saying what was found at which
  /// update, when the loss or the norm is infinite or NaN, or the loss has diverged.
  void check(std::int64_t step, double loss, double gradient_norm);

  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  Options options_;
  State state_;
};

}  // namespace attend::train
