#pragma once

#include <cstdint>
#include <vector>

#include "attend/train/optimizer.h"
#include "train/tensor_file.h"

namespace attend::train {

/// The exponential moving average of the parameters over the updates of a training (Polyak and Juditsky,
/// "Acceleration of stochastic approximation by averaging", 1992). After update t = 1, 2 ...
///
///     d = min(decay, (1 + t) / (10 + t))        average = average + (1 - d) (parameter - average)
///
/// The growing d lets the average leave the initial weights at once, as TensorFlow and Marian do it.
class WeightAverage {
 public:
  /// Begins with the parameters as they are; `decay` is in (0, 1).
  WeightAverage(const std::vector<Parameter>& parameters, double decay);

  /// After update `step`, counted from 1. The bits do not depend on the number of threads.
  void update(std::int64_t step);

  /// While it lives, the parameters hold the averages.
  class InPlace {
   public:
    explicit InPlace(WeightAverage& average) : average_(average) { average_.exchange(); }
    ~InPlace() { average_.exchange(); }
    InPlace(const InPlace&) = delete;
    InPlace& operator=(const InPlace&) = delete;

   private:
    WeightAverage& average_;
  };

  /// The averages by the names of their parameters, in memory that goes on being used.
  const NamedTensors& tensors() const { return averages_; }

 private:
  void exchange();

  NamedTensors parameters_, averages_;
  double decay_;
};

}  // namespace attend::train
