#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

/// What follows the matrix product in a step of a recurrent layer, for all rows of a batch: dense matrices of
/// `dtype` (f32, bf16 or f64), save those marked C, which are f32, or f64 beside f64. Rows whose length is
/// not above `time` are padding: they keep their state, and give it its gradient unchanged.
struct RecurrentStep {
  DType dtype = DType::f32;
  std::int64_t width = 0;                 ///< hidden units
  const std::int32_t* lengths = nullptr;  ///< [rows], or null: no padding
  std::int64_t time = 0;
};

struct RecurrentKernels {
  /// r = s(x_r + p_r), z = s(x_z + p_z), n = tanh(x_n + r p_n), state = (1 - z) n + z before.
  struct GruForward : RecurrentStep {
    const void* input = nullptr;     ///< x [rows, 3 width]
    const void* products = nullptr;  ///< C, p [rows, 3 width]
    const void* before = nullptr;    ///< [rows, width]
    void* state = nullptr;           ///< [rows, width]
    void* gates = nullptr;           ///< r, z, n [rows, 3 width], or null
    void* candidate = nullptr;       ///< p_n [rows, width], or null
  };
  struct GruBackward : RecurrentStep {
    const void* gates = nullptr;
    const void* candidate = nullptr;
    const void* before = nullptr;
    const void* doutput = nullptr;  ///< a further gradient of the state [rows, width], or null
    /// C [rows, width]: the gradient of the state, overwritten by that of `before` but for the products.
    void* carry = nullptr;
    void* dinput = nullptr;     ///< [rows, 3 width]
    void* dproducts = nullptr;  ///< [rows, 3 width]
  };
  /// i = s(x_i + p_i), f = s(x_f + p_f), g = tanh(x_g + p_g), o = s(x_o + p_o), cell = f cell_before + i g,
  /// state = o tanh(cell).
  struct LstmForward : RecurrentStep {
    const void* input = nullptr;        ///< x [rows, 4 width]
    const void* products = nullptr;     ///< C, p [rows, 4 width]
    const void* before = nullptr;       ///< [rows, width]
    const void* cell_before = nullptr;  ///< C [rows, width]
    void* state = nullptr;              ///< [rows, width]
    void* cell = nullptr;               ///< C [rows, width]
    void* gates = nullptr;              ///< i, f, g, o [rows, 4 width], or null
  };
  struct LstmBackward : RecurrentStep {
    const void* gates = nullptr;
    const void* cell_before = nullptr;
    const void* cell = nullptr;
    const void* doutput = nullptr;  ///< as above
    void* carry = nullptr;          ///< as above
    void* cell_carry = nullptr;     ///< C [rows, width]: the same of the cell
    void* dinput = nullptr;         ///< [rows, 4 width], the gradient of the products too
  };

  void (*gru_forward)(const GruForward& work, std::int64_t begin, std::int64_t end) = nullptr;
  void (*gru_backward)(const GruBackward& work, std::int64_t begin, std::int64_t end) = nullptr;
  void (*lstm_forward)(const LstmForward& work, std::int64_t begin, std::int64_t end) = nullptr;
  void (*lstm_backward)(const LstmBackward& work, std::int64_t begin, std::int64_t end) = nullptr;
};

}  // namespace attend::backend
