#include "backend/kernels/elementwise.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

void add(DType dtype, const void* a, const void* b, void* out, std::int64_t count) {
  visit_floating(dtype, [&]<class S>() {
    const S* pa = static_cast<const S*>(a);
    const S* pb = static_cast<const S*>(b);
    S* po = static_cast<S*>(out);
    for_each_vector<Compute<S>>(count, [&](std::int64_t i, std::int64_t n) {
      store_some(po + i, load_some(pa + i, n) + load_some(pb + i, n), n);
    });
  });
}

template <class From, class To>
void cast_run(const From* in, To* out, std::int64_t count) {
  if constexpr (sizeof(Compute<From>) == sizeof(Compute<To>)) {
    for_each_vector<Compute<From>>(
        count, [&](std::int64_t i, std::int64_t n) { store_some(out + i, load_some(in + i, n), n); });
  } else {
    for (std::int64_t i = 0; i < count; ++i)
      from_compute(static_cast<Compute<To>>(to_compute(in[i])), out[i]);
  }
}

void cast(DType from, const void* in, DType to, void* out, std::int64_t count) {
  visit_floating(from, [&]<class From>() {
    visit_floating(to,
                   [&]<class To>() { cast_run(static_cast<const From*>(in), static_cast<To*>(out), count); });
  });
}

}  // namespace

void fill(backend::ElementwiseKernels& kernels) {
  kernels.add = add;
  kernels.cast = cast;
}

}  // namespace attend::ATTEND_ISA
