#include "backend/kernels/embedding.h"

#include "backend/cpu/kernels/table.h"
#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

namespace {

using Gather = backend::EmbeddingKernels::Gather;

template <class Table, class Out>
void gather_rows(const Gather& work) {
  static_assert(sizeof(Compute<Table>) == sizeof(Compute<Out>));
  const std::int64_t columns = work.columns;
  for (std::int64_t r = 0; r < work.count; ++r) {
    const Table* from = static_cast<const Table*>(work.table) + work.ids[r] * columns;
    Out* to = static_cast<Out*>(work.out) + r * columns;
    if (work.positions == nullptr) {
      for_each_vector<Compute<Out>>(
          columns, [&](std::int64_t i, std::int64_t n) { store_some(to + i, load_some(from + i, n), n); });
    } else {
      const Table* position =
          static_cast<const Table*>(work.positions) + (work.first + r) % work.period * columns;
      for_each_vector<Compute<Out>>(columns, [&](std::int64_t i, std::int64_t n) {
        store_some(to + i, load_some(from + i, n) + load_some(position + i, n), n);
      });
    }
  }
}

void gather(const Gather& work) {
  visit_floating(work.table_dtype, [&]<class Table>() {
    visit_floating(work.out_dtype, [&]<class Out>() {
      if constexpr (sizeof(Compute<Table>) == sizeof(Compute<Out>)) gather_rows<Table, Out>(work);
    });
  });
}

void sum_rows(DType dtype, const void* matrix, const std::int64_t* rows, std::int64_t count,
              std::int64_t columns, void* sums) {
  visit_floating(dtype, [&]<class S>() {
    using C = Compute<S>;
    constexpr int kVectors = 8;
    constexpr std::int64_t width = kVectors * kLanes<C>;
    const S* m = static_cast<const S*>(matrix);
    C* out = static_cast<C*>(sums);
    std::int64_t i = 0;
    for (; i + width <= columns; i += width) {
      Vector<C> sum[kVectors] = {};
      for (std::int64_t r = 0; r < count; ++r)
        for (int k = 0; k < kVectors; ++k) sum[k] += load(m + rows[r] * columns + i + k * kLanes<C>);
      for (int k = 0; k < kVectors; ++k) store(out + i + k * kLanes<C>, sum[k]);
    }
    for_each_vector<C>(columns - i, [&](std::int64_t j, std::int64_t n) {
      Vector<C> sum = {};
      for (std::int64_t r = 0; r < count; ++r) sum += load_some(m + rows[r] * columns + i + j, n);
      store_some(out + i + j, sum, n);
    });
  });
}

}  // namespace

void fill(backend::EmbeddingKernels& kernels) {
  kernels.gather = gather;
  kernels.sum_rows = sum_rows;
}

}  // namespace attend::ATTEND_ISA
