#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

void fill(backend::Kernels& kernels);

void fill(backend::Kernels& kernels) {
  // From the compiler's own macros, so that a wrong build flag shows.
  kernels.compiled_for =
#if defined(__AMX_BF16__)
      "amx";
#elif defined(__AVX512BF16__)
      "avx512_bf16";
#elif defined(__AVX512F__)
      "avx512";
#elif defined(__AVX2__)
      "avx2";
#else
      "baseline";
#endif
  fill(kernels.elementwise);
  fill(kernels.matrix_vector);
  fill(kernels.optimizer);
  fill_forward(kernels.attention);
  fill_backward(kernels.attention);
  fill_tile(kernels.attention);
  fill_decode(kernels.attention);
  fill(kernels.arithmetic);
  fill(kernels.reduce);
  fill(kernels.softmax);
  fill(kernels.activation);
  fill(kernels.cross_entropy);
  fill(kernels.dropout);
  fill(kernels.embedding);
  fill(kernels.norm);
  fill(kernels.recurrent);
  fill(kernels.additive_step);
  fill(kernels.rotary);
  fill(kernels.sampling);
  fill(kernels.channel_norm);
}

}  // namespace attend::ATTEND_ISA
