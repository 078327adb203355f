#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "attend/tensor/dtype.h"

namespace attend::backend {

/// One operand of a product as oneDNN sees it: [batch..., rows, columns] with strides in elements.
struct ProductOperand {
  DType dtype = DType::f32;
  std::vector<std::int64_t> dims = {}, strides = {};
  std::byte* data = nullptr;
};

/// out = a b + bias (+ out when `accumulate`), of equal rank; batch axes of size 1 in a or b are repeated.
struct Product {
  ProductOperand a = {}, b = {}, out = {};
  const float* bias = nullptr;
  bool accumulate = false;
};

/// Computes the product through oneDNN: f32, or bf16 with out bf16 or f32. The last two axes of a and b may
/// lie in either order, one of them dense. Throws Error with oneDNN's reason.
///
/// One thread and two give the same bits in f32, and in bf16 without AMX. oneDNN cuts the sum over k where
/// the number of threads says: in bf16 with AMX, and with more threads in f32 when k is above 2048 and the
/// output has more than 131072 elements.
void multiply(const Product& product);

}  // namespace attend::backend
