#pragma once

#include <fmt/format.h>

#include "attend/base/error.h"
#include "attend/op/cast.h"
#include "attend/tensor/tensor.h"

namespace attend::attention {

/// A member of Parameters, `name`, in the dtype of a computation. Throws Error when it is missing or has
/// another shape.
inline Tensor learned(const Tensor& parameter, const char* name, const Shape& shape, DType dtype) {
  if (!parameter.defined())
    throw Error(fmt::format("attention: the parameter {} {} is missing", name, shape.text()));
  if (!(parameter.shape() == shape) || !is_floating(parameter.dtype()))
    throw Error(fmt::format("attention: the parameter {} is {}, f32 {} needed", name, parameter.text(),
                            shape.text()));
  return op::cast(parameter, dtype);
}

}  // namespace attend::attention
