#include "backend/kernels/channel_norm.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

using Moments = backend::ChannelNormKernels::Moments;
using Apply = backend::ChannelNormKernels::Apply;

void moments(const Moments& work) {
  visit_floating(work.dtype, [&]<class S>() {
    using C = Compute<S>;
    using V = Vector<C>;
    const S* x = static_cast<const S*>(work.x);
    const S* dy = static_cast<const S*>(work.dy);
    const C* centre = static_cast<const C*>(work.centre);
    for_each_vector<C>(work.columns, [&](std::int64_t i, std::int64_t n) {
      // Two of each, because one would wait for its own last addition.
      V first[2] = {}, second[2] = {};
      const V middle = load_some(centre + i, n);
      const auto add = [&](std::int64_t r, int k) {
        const std::int64_t place = r * work.columns + i;
        const V d = load_some(x + place, n) - middle;
        const V gradient = dy == nullptr ? d : load_some(dy + place, n);
        first[k] += gradient;
        second[k] += gradient * d;
      };
      std::int64_t r = 0;
      for (; r + 2 <= work.rows; r += 2) {
        add(r, 0);
        add(r + 1, 1);
      }
      if (r < work.rows) add(r, 0);
      store_some(static_cast<C*>(work.first) + i, first[0] + first[1], n);
      store_some(static_cast<C*>(work.second) + i, second[0] + second[1], n);
    });
  });
}

void apply(const Apply& work) {
  visit_floating(work.dtype, [&]<class S>() {
    using C = Compute<S>;
    using V = Vector<C>;
    const S* x = static_cast<const S*>(work.x);
    const S* dy = static_cast<const S*>(work.dy);
    const C* centre = static_cast<const C*>(work.centre);
    const C* slope = static_cast<const C*>(work.slope);
    const C* offset = static_cast<const C*>(work.offset);
    const C* factor = static_cast<const C*>(work.factor);
    for (std::int64_t r = 0; r < work.rows; ++r)
      for_each_vector<C>(work.columns, [&](std::int64_t i, std::int64_t n) {
        const std::int64_t place = r * work.columns + i;
        V y = (load_some(x + place, n) - load_some(centre + i, n)) * load_some(slope + i, n) +
              load_some(offset + i, n);
        if (dy != nullptr) y += load_some(dy + place, n) * load_some(factor + i, n);
        store_some(static_cast<S*>(work.y) + place, y, n);
      });
  });
}

}  // namespace

void fill(backend::ChannelNormKernels& kernels) {
  kernels.moments = moments;
  kernels.apply = apply;
}

}  // namespace attend::ATTEND_ISA
