#pragma once

#include <memory>

#include "attend/attention/score_function.h"
#include "attend/tensor/tensor.h"

namespace attend::attention {

/// f of scores [batch, heads, queries, keys], f32 or f64 (bf16 in f32), on the tape.
Tensor apply_score_function(const Tensor& scores, const std::shared_ptr<const ScoreFunction>& function);

}  // namespace attend::attention
