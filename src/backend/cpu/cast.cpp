#include "backend/cast.h"

#include "attend/base/parallel.h"
#include "backend/kernels.h"
#include "tensor/visit.h"

namespace attend::backend {

Tensor cast(const Tensor& tensor, DType dtype) {
  const Tensor source = tensor.is_contiguous() ? tensor : tensor.clone();
  if (dtype == source.dtype()) return source.detach();
  Tensor result = Tensor::empty(source.shape(), dtype);
  const auto* from = static_cast<const std::byte*>(source.raw());
  auto* to = static_cast<std::byte*>(result.raw());
  const auto from_width = static_cast<std::int64_t>(size_of(source.dtype()));
  const auto to_width = static_cast<std::int64_t>(size_of(dtype));
  parallel_for(source.elements(), 1 << 15, [&](std::int64_t begin, std::int64_t end) {
    if (is_floating(dtype) && is_floating(source.dtype())) {
      kernels().elementwise.cast(source.dtype(), from + begin * from_width, dtype, to + begin * to_width,
                                 end - begin);
      return;
    }
    visit_dtype(source.dtype(), [&]<class From>() {
      visit_dtype(dtype, [&]<class To>() {
        const From* p = source.data<From>();
        To* q = result.data<To>();
        for (std::int64_t i = begin; i < end; ++i) q[i] = convert<To>(p[i]);
      });
    });
  });
  return result;
}

}  // namespace attend::backend
