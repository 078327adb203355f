#pragma once

#include <cstdint>

#include "attend/tensor/dtype.h"

namespace attend::backend {

/// Dropout of dense arrays of f32, bf16 or f64. Element i of the array is kept if the 16-bit number i of the
/// stream (backend/cpu/random_half_words.h) is at least round(65536 probability).
struct DropoutKernels {
  /// Kernels work on ranges that start at a multiple of this.
  static constexpr std::int64_t kAlignment = 64;

  struct Work {
    DType dtype = DType::f32;
    std::uint64_t seed = 0, stream = 0;
    std::int64_t first = 0;  ///< place in the array of in[0], a multiple of kAlignment
    std::int64_t count = 0;
    double probability = 0;
    const void* in = nullptr;
    void* out = nullptr;
  };
  /// out[i] = in[i] / (1 - probability) where kept, 0 elsewhere.
  void (*apply)(const Work& work) = nullptr;
  /// The 16-bit numbers `first` to `first` + count - 1 of a stream; both multiples of kAlignment.
  void (*random_numbers)(std::uint64_t seed, std::uint64_t stream, std::int64_t first, std::int64_t count,
                         std::uint16_t* out) = nullptr;
};

}  // namespace attend::backend
