#include "backend/kernels/rotary.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

using Work = backend::RotaryKernels::Work;

template <class S>
void turn_heads(const Work& work) {
  using C = Compute<S>;
  using V = Vector<C>;
  const std::int64_t half = work.dim / 2;
  const C* cosine = static_cast<const C*>(work.cosine);
  const C* sine = static_cast<const C*>(work.sine);
  const C sign = work.inverse ? C(-1) : C(1);
  for (std::int64_t h = 0; h < work.heads; ++h) {
    const S* in = static_cast<const S*>(work.in) + h * work.head_stride;
    S* out = static_cast<S*>(work.out) + h * work.dim;
    if (h >= work.turned) {
      for_each_vector<C>(
          work.dim, [&](std::int64_t i, std::int64_t n) { store_some(out + i, load_some(in + i, n), n); });
      continue;
    }
    for_each_vector<C>(half, [&](std::int64_t i, std::int64_t n) {
      const V a = load_some(in + i, n), b = load_some(in + half + i, n);
      const V c = load_some(cosine + i, n), s = load_some(sine + i, n) * sign;
      store_some(out + i, a * c - b * s, n);
      store_some(out + half + i, b * c + a * s, n);
    });
  }
}

void turn(const Work& work) {
  visit_floating(work.dtype, [&]<class S>() { turn_heads<S>(work); });
}

}  // namespace

void fill(backend::RotaryKernels& kernels) {
  kernels.turn = turn;
}

}  // namespace attend::ATTEND_ISA
