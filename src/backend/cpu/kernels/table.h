#pragma once

#include "backend/kernels.h"

// Each kernel file fills its own group of the table.
namespace attend::ATTEND_ISA {

void fill(backend::ElementwiseKernels& kernels);
void fill(backend::OptimizerKernels& kernels);

}  // namespace attend::ATTEND_ISA
