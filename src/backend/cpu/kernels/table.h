#pragma once

#include "backend/kernels.h"

// Each kernel file fills its own group of the table.
namespace attend::ATTEND_ISA {

void fill(backend::ElementwiseKernels& kernels);
void fill(backend::MatrixVectorKernels& kernels);
void fill(backend::OptimizerKernels& kernels);
void fill_forward(backend::AttentionKernels& kernels);
void fill_backward(backend::AttentionKernels& kernels);
void fill_tile(backend::AttentionKernels& kernels);
void fill_decode(backend::AttentionKernels& kernels);
void fill(backend::ArithmeticKernels& kernels);
void fill(backend::ReduceKernels& kernels);
void fill(backend::SoftmaxKernels& kernels);
void fill(backend::ActivationKernels& kernels);
void fill(backend::CrossEntropyKernels& kernels);
void fill(backend::DropoutKernels& kernels);
void fill(backend::EmbeddingKernels& kernels);
void fill(backend::NormKernels& kernels);
void fill(backend::RecurrentKernels& kernels);
void fill(backend::AdditiveStepKernels& kernels);
void fill(backend::RotaryKernels& kernels);
void fill(backend::SamplingKernels& kernels);
void fill(backend::ChannelNormKernels& kernels);

}  // namespace attend::ATTEND_ISA
