#pragma once

#include "attend/attention/observe.h"
#include "attend/nn/run.h"

/// How layers that weigh feature maps tell the observer of a run their gates.
namespace attend::nn {

/// Whether the run has an observer that asks for this layer.
bool is_observed(const Run& run, std::int64_t layer);

/// The gate as the observer gets it: f32 of this shape, apart from the tape.
Tensor for_observer(const Tensor& gate, const Shape& shape);

}  // namespace attend::nn
