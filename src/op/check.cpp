#include "op/check.h"

#include <fmt/format.h>

#include "attend/base/error.h"

namespace attend::op {

namespace {

bool broadcasts(const Shape& a, const Shape& b) {
  for (int i = 1; i <= a.rank() && i <= b.rank(); ++i)
    if (a.dim(-i) != b.dim(-i) && a.dim(-i) != 1 && b.dim(-i) != 1) return false;
  return true;
}

}  // namespace

void check_floating(std::string_view operation, const Tensor& x) {
  if (!is_floating(x.dtype()))
    throw Error(fmt::format("{} of {}: f32, bf16 or f64 needed", operation, x.text()));
}

void check_floating_pair(std::string_view operation, const Tensor& a, const Tensor& b) {
  if (!is_floating(a.dtype()) || a.dtype() != b.dtype())
    throw Error(
        fmt::format("{} of {} and {}: one dtype of f32, bf16 and f64 needed", operation, a.text(), b.text()));
  if (!broadcasts(a.shape(), b.shape()))
    throw Error(fmt::format("{} of {} and {}: the shapes do not broadcast", operation, a.text(), b.text()));
}

}  // namespace attend::op
