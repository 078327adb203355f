#include "backend/kernels/sampling.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

using Sampling = backend::SamplingKernels;
using Tap = Sampling::Tap;

void gather(const Sampling::Gather& work) {
  visit_floating(work.dtype, [&]<class S>() {
    using C = Compute<S>;
    const S* x = static_cast<const S*>(work.x);
    for (std::int64_t o = 0; o < work.outputs; ++o) {
      const Tap* taps = work.taps + o * work.taps_each;
      S* y = static_cast<S*>(work.y) + o * work.stride;
      for_each_vector<C>(work.columns, [&](std::int64_t i, std::int64_t n) {
        Vector<C> sum = {};
        for (std::int64_t t = 0; t < work.taps_each; ++t)
          if (taps[t].row >= 0 && taps[t].weight != 0)
            sum += load_some(x + taps[t].row * work.stride + i, n) * static_cast<C>(taps[t].weight);
        store_some(y + i, sum, n);
      });
    }
  });
}

void scatter(const Sampling::Scatter& work) {
  visit_floating(work.dtype, [&]<class S>() {
    using C = Compute<S>;
    C* dx = static_cast<C*>(work.dx);
    for (std::int64_t o = 0; o < work.outputs; ++o) {
      const Tap* taps = work.taps + o * work.taps_each;
      const S* dy = static_cast<const S*>(work.dy) + o * work.stride;
      for_each_vector<C>(work.columns, [&](std::int64_t i, std::int64_t n) {
        const Vector<C> gradient = load_some(dy + i, n);
        for (std::int64_t t = 0; t < work.taps_each; ++t) {
          if (taps[t].row < 0 || taps[t].weight == 0) continue;
          C* to = dx + taps[t].row * work.stride + i;
          store_some(to, load_some(to, n) + gradient * static_cast<C>(taps[t].weight), n);
        }
      });
    }
  });
}

void products(const Sampling::Products& work) {
  visit_floating(work.dtype, [&]<class S>() {
    using C = Compute<S>;
    for (std::int64_t o = 0; o < work.outputs; ++o) {
      const S* dy = static_cast<const S*>(work.dy) + o * work.stride;
      for (std::int64_t t = 0; t < work.taps_each; ++t) {
        const std::int64_t place = o * work.taps_each + t, row = work.taps[place].row;
        work.dweights[place] = 0;
        if (row < 0) continue;
        const S* x = static_cast<const S*>(work.x) + row * work.stride;
        // Lanes beyond the last channel are zero on both sides.
        Vector<C> sum = {};
        for_each_vector<C>(work.columns, [&](std::int64_t i, std::int64_t n) {
          sum += load_some(x + i, n) * load_some(dy + i, n);
        });
        work.dweights[place] = static_cast<double>(sum_lanes<C>(sum));
      }
    }
  });
}

void maximum(const Sampling::Maximum& work) {
  visit_floating(work.dtype, [&]<class S>() {
    using C = Compute<S>;
    using Integer = typename VectorOf<C>::scalar_integer;
    const S* x = static_cast<const S*>(work.x);
    S* y = static_cast<S*>(work.y);
    for_each_vector<C>(work.columns, [&](std::int64_t c, std::int64_t n) {
      Vector<C> best = load_some(x + work.first * work.columns + c, n);
      IntegerVector<C> where = IntegerVector<C>{} + static_cast<Integer>(work.first);
      for (std::int64_t i = 0; i < work.height; ++i)
        for (std::int64_t j = 0; j < work.width; ++j) {
          const std::int64_t row = work.first + i * work.pitch + j;
          const Vector<C> v = load_some(x + row * work.columns + c, n);
          const IntegerVector<C> is_better = (v > best) | ((v != v) & (best == best));
          const IntegerVector<C> here = IntegerVector<C>{} + static_cast<Integer>(row);
          best = is_better ? v : best;
          where = is_better ? here : where;
        }
      store_some(y + c, best, n);
      for (std::int64_t lane = 0; lane < n; ++lane)
        work.row[c + lane] = static_cast<std::int32_t>(where[static_cast<int>(lane)]);
    });
  });
}

}  // namespace

void fill(backend::SamplingKernels& kernels) {
  kernels.gather = gather;
  kernels.scatter = scatter;
  kernels.products = products;
  kernels.maximum = maximum;
}

}  // namespace attend::ATTEND_ISA
