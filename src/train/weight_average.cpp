#include "train/weight_average.h"

#include <algorithm>
#include <utility>

#include "attend/base/parallel.h"

namespace attend::train {

namespace {

constexpr std::int64_t kGrain = 1 << 14;

}  // namespace

WeightAverage::WeightAverage(const std::vector<Parameter>& parameters, double decay) : decay_(decay) {
  for (const Parameter& parameter : parameters) {
    parameters_.emplace_back(parameter.name, parameter.tensor);
    averages_.emplace_back(parameter.name, parameter.tensor.clone());
  }
}

void WeightAverage::update(std::int64_t step) {
  const auto t = static_cast<double>(step);
  const auto part = static_cast<float>(1 - std::min(decay_, (1 + t) / (10 + t)));
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    const float* value = parameters_[i].second.data<float>();
    float* average = averages_[i].second.data<float>();
    parallel_for(averages_[i].second.elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) average[j] += part * (value[j] - average[j]);
    });
  }
}

void WeightAverage::exchange() {
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    float* average = averages_[i].second.data<float>();
    std::swap_ranges(average, average + averages_[i].second.elements(), parameters_[i].second.data<float>());
  }
}

}  // namespace attend::train
