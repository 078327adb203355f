#pragma once

#include "attend/base/random.h"
#include "attend/tensor/tensor.h"

namespace attend::nn {

/// f32 numbers from the normal distribution with mean 0: element i is a function of the stream and i alone
/// (Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958), the same for any number of
/// threads. Throws Error for a negative or non-finite standard deviation.
Tensor normal(const Shape& shape, double standard_deviation, RandomStream stream);

}  // namespace attend::nn
