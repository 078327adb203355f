#pragma once

#include "attend/op/cross_entropy.h"
#include "backend/kernels/cross_entropy.h"

// What cross_entropy() and linear_cross_entropy() share.
namespace attend::op {

/// Throws Error when smoothing is outside 0 to 1 or targets are not i32 or i64 of the given shape.
void check_targets(const char* name, const Tensor& targets, const Shape& shape, double label_smoothing);

/// Logits of dense rows [rows, classes] with dense i64 targets.
backend::CrossEntropyRows cross_entropy_rows(const Tensor& logits, const Tensor& targets,
                                             const CrossEntropyOptions& options);

/// The rows from `begin` to `end` of them.
backend::CrossEntropyRows rows_between(const backend::CrossEntropyRows& all, std::int64_t begin,
                                       std::int64_t end);

/// What a reduction multiplies the sum of all losses with.
double reduction_factor(const Tensor& targets, const CrossEntropyOptions& options);

/// [rows] losses to the result of the reduction; `shape` is that of the targets.
Tensor reduced(const Tensor& losses, const Shape& shape, double factor, Reduction reduction);

}  // namespace attend::op
