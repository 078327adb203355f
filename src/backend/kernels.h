#pragma once

#include "backend/kernels/activation.h"
#include "backend/kernels/additive_step.h"
#include "backend/kernels/arithmetic.h"
#include "backend/kernels/attention.h"
#include "backend/kernels/channel_norm.h"
#include "backend/kernels/cross_entropy.h"
#include "backend/kernels/dropout.h"
#include "backend/kernels/elementwise.h"
#include "backend/kernels/embedding.h"
#include "backend/kernels/matrix_vector.h"
#include "backend/kernels/norm.h"
#include "backend/kernels/optimizer.h"
#include "backend/kernels/recurrent.h"
#include "backend/kernels/reduce.h"
#include "backend/kernels/rotary.h"
#include "backend/kernels/sampling.h"
#include "backend/kernels/softmax.h"

namespace attend::backend {

/// The kernels of one instruction set: what op/ calls, one entry a kernel. Every kernel is single-threaded
/// and works on the range it is given; the caller splits the work (attend/base/parallel.h).
struct Kernels {
  const char* compiled_for = nullptr;
  AttentionKernels attention;
  ElementwiseKernels elementwise;
  MatrixVectorKernels matrix_vector;
  OptimizerKernels optimizer;
  ArithmeticKernels arithmetic;
  ReduceKernels reduce;
  SoftmaxKernels softmax;
  ActivationKernels activation;
  CrossEntropyKernels cross_entropy;
  DropoutKernels dropout;
  EmbeddingKernels embedding;
  NormKernels norm;
  ChannelNormKernels channel_norm;
  RecurrentKernels recurrent;
  AdditiveStepKernels additive_step;
  RotaryKernels rotary;
  SamplingKernels sampling;
};

/// The kernels of the best instruction set of this processor, or of the one that ATTEND_ISA names. Throws
/// Error when that one is unknown or this processor lacks it.
const Kernels& kernels();

}  // namespace attend::backend
