#pragma once

#include "attend/tensor/tensor.h"

namespace attend::decode {

/// The logarithms of the probabilities of scores [rows, vocabulary]: f32, memory of its own. Throws Error for
/// another shape, and for NaN or +infinity.
Tensor log_probabilities_of(const Tensor& scores, std::int64_t rows);

/// Attention [rows, at least `width`], in f64. Throws Error for another shape.
Tensor checked_attention(const Tensor& attention, std::int64_t rows, std::int64_t width);

}  // namespace attend::decode
