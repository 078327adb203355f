#include "op/column_sum.h"

#include "op/reduce_axes.h"

namespace attend::op {

Tensor column_sum(const Tensor& matrix) {
  return reduce_axes(backend::Reduction::sum, matrix, AxisSet(1)).view_as({matrix.dim(1)}, {1});
}

}  // namespace attend::op
