#pragma once

#include "attend/attention/observe.h"
#include "attend/nn/run.h"

/// How layers of feature maps tell the observer of a run what they weigh by.
namespace attend::nn {

/// Whether the run has an observer that asks for this layer.
bool is_observed(const Run& run, std::int64_t layer);

/// Values as the observer gets them: f32 of this shape, apart from the tape.
Tensor for_observer(const Tensor& values, const Shape& shape);

}  // namespace attend::nn
