#pragma once

#include "attend/tensor/dtype.h"
#include "backend/convolution.h"

namespace attend::backend::onednn {

enum class ConvolutionPass : std::uint8_t { forward, input_gradient, weight_gradient };

/// Dense memory, of f32 or bf16 unless said otherwise.
struct ConvolutionWork {
  ConvolutionPass pass = ConvolutionPass::forward;
  ConvolutionShape shape = {};
  DType dtype = DType::f32;
  void *x = nullptr, *y = nullptr;  ///< or their gradients
  void* weight = nullptr;           ///< [out, in / groups, kernel]; f32 when it is what is computed
  float* bias = nullptr;            ///< forward; or null
};

/// One pass through oneDNN. The weight gradient uses one thread; the others may use all, and then give the
/// same bits as one. Throws Error with oneDNN's reason.
void convolve(const ConvolutionWork& work);

}  // namespace attend::backend::onednn
