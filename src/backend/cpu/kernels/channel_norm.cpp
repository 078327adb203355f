#include "backend/kernels/channel_norm.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

using Moments = backend::ChannelNormKernels::Moments;
using Apply = backend::ChannelNormKernels::Apply;

// What a column has one of stays in registers over all rows.
template <class C>
struct Column {
  Vector<C> centre, gate_slope = {}, gate_offset = {};
};

template <class C>
Column<C> column_of(const backend::ChannelNormKernels::Rows& work, std::int64_t i, std::int64_t n) {
  const auto at = [&](const void* values) { return load_some(static_cast<const C*>(values) + i, n); };
  Column<C> column{at(work.centre)};
  if (work.gate_slope != nullptr) {
    column.gate_slope = at(work.gate_slope);
    column.gate_offset = at(work.gate_offset);
  }
  return column;
}

template <class C, bool gated>
inline Vector<C> gate(const Column<C>& column, Vector<C> d, Vector<C> dy) {
  if constexpr (!gated) return dy;
  return d * column.gate_slope + column.gate_offset > Vector<C>{} ? dy : Vector<C>{};
}

template <class S, bool gated>
void moments_of(const Moments& work) {
  using C = Compute<S>;
  using V = Vector<C>;
  const S* x = static_cast<const S*>(work.x);
  const S* dy = static_cast<const S*>(work.dy);
  for_each_vector<C>(work.columns, [&](std::int64_t i, std::int64_t n) {
    // Two of each, because one would wait for its own last addition.
    V first[2] = {}, second[2] = {};
    const Column<C> column = column_of<C>(work, i, n);
    const auto add = [&](std::int64_t r, int k) {
      const std::int64_t place = r * work.columns + i;
      const V d = load_some(x + place, n) - column.centre;
      const V gradient = dy == nullptr ? d : gate<C, gated>(column, d, load_some(dy + place, n));
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
}

template <class S, bool gated>
void apply_to(const Apply& work) {
  using C = Compute<S>;
  using V = Vector<C>;
  const S* x = static_cast<const S*>(work.x);
  const S* dy = static_cast<const S*>(work.dy);
  for_each_vector<C>(work.columns, [&](std::int64_t i, std::int64_t n) {
    const Column<C> column = column_of<C>(work, i, n);
    const V slope = load_some(static_cast<const C*>(work.slope) + i, n),
            offset = load_some(static_cast<const C*>(work.offset) + i, n),
            factor = dy == nullptr ? V{} : load_some(static_cast<const C*>(work.factor) + i, n);
    for (std::int64_t r = 0; r < work.rows; ++r) {
      const std::int64_t place = r * work.columns + i;
      const V d = load_some(x + place, n) - column.centre;
      V y = d * slope + offset;
      if (dy != nullptr) y += gate<C, gated>(column, d, load_some(dy + place, n)) * factor;
      // NaN stays NaN.
      if (work.relu) y = y < V{} ? V{} : y;
      store_some(static_cast<S*>(work.y) + place, y, n);
    }
  });
}

void moments(const Moments& work) {
  visit_floating(work.dtype, [&]<class S>() {
    work.gate_slope == nullptr ? moments_of<S, false>(work) : moments_of<S, true>(work);
  });
}

void apply(const Apply& work) {
  visit_floating(work.dtype, [&]<class S>() {
    work.gate_slope == nullptr ? apply_to<S, false>(work) : apply_to<S, true>(work);
  });
}

}  // namespace

void fill(backend::ChannelNormKernels& kernels) {
  kernels.moments = moments;
  kernels.apply = apply;
}

}  // namespace attend::ATTEND_ISA
