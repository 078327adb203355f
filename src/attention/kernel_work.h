#pragma once

#include <memory>

#include "attention/lower.h"
#include "backend/kernels/attention.h"

/// From tensors to what the kernels take.
namespace attend::attention {

backend::HeadsOperand operand(const Tensor& tensor);
backend::AttentionShape shape_of(const Lowered& x);

/// What sums, log-sums and biases are kept in: f64 for f64, else f32.
DType sum_dtype(DType dtype);

/// Calls body.template operator()<float or double>() for sum_dtype(dtype).
template <class Body>
void visit_sum_dtype(DType dtype, const Body& body) {
  if (dtype == DType::f64)
    body.template operator()<double>();
  else
    body.template operator()<float>();
}

/// Memory of one thread for as long as it works; the allocator keeps it for the next call.
void* scratch(std::shared_ptr<Storage>& memory, std::size_t bytes);

}  // namespace attend::attention
