#include "op/integers.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "backend/cast.h"
#include "op/view.h"

namespace attend::op {

Tensor checked_indices(std::string_view what, const Tensor& integers, std::int64_t bound,
                       std::optional<std::int64_t> also) {
  // A copy in any case: what is kept for the backward pass must not change with the caller's buffer.
  Tensor indices = integers.dtype() == DType::i64 ? integers.clone() : backend::cast(integers, DType::i64);
  const std::int64_t* p = indices.data<std::int64_t>();
  for (std::int64_t i = 0; i < indices.elements(); ++i)
    if ((p[i] < 0 || p[i] >= bound) && p[i] != also)
      throw Error(fmt::format("{} {} at element {} of {}: 0 to {} accepted{}", what, p[i], i, integers.text(),
                              bound - 1, also ? fmt::format(", or {}", *also) : ""));
  return indices;
}

}  // namespace attend::op
