#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

struct RotaryKernels {
  /// Turns heads: for c < dim / 2, with angle[t, c] given by its cosine and sine,
  ///   out[h, c] = in[h, c] cos - in[h, c + dim / 2] sin,  out[h, c + dim / 2] = in[h, c + dim / 2] cos +
  ///   in[h, c] sin.
  struct Work {
    DType dtype = DType::f32;  ///< f32, bf16 or f64; cosines and sines are f32, or f64 beside f64
    std::int64_t heads = 0, dim = 0;
    std::int64_t turned = 0;       ///< the heads from this one on are copied as they are
    bool inverse = false;          ///< by the negative angle
    const void* cosine = nullptr;  ///< [dim / 2], of this position
    const void* sine = nullptr;
    const void* in = nullptr;
    std::int64_t head_stride = 0;  ///< of `in`, in elements; the last axis is dense
    void* out = nullptr;           ///< [heads, dim], dense
  };
  void (*turn)(const Work& work) = nullptr;
};

}  // namespace attend::backend
