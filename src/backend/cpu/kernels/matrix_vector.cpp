// Few rows against a large matrix, the work of decoding: bound by reading the weights from memory. They are
// read a single time and in the order they lie in, which processors foresee best.

#include "backend/kernels/matrix_vector.h"

#include "backend/cpu/block_product.h"
#include "backend/cpu/integers.h"
#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

namespace {

// Rows of the weights that stay in the first cache for all rows of x.
constexpr std::int64_t kWeightRows = 8;

template <class C>
inline Vector<C> multiply_add_stored(const C* a, const C* b, Vector<C> sum) {
  return load(a) * load(b) + sum;
}

// Elements that one step of the inner loop takes, and that step.
#if defined(__AVX512BF16__)
template <class S>
constexpr std::int64_t kStride = sizeof(S) == 2 ? 2 * kLanes<float> : kLanes<Compute<S>>;
inline F32 multiply_add_stored(const BFloat16* a, const BFloat16* b, F32 sum) {
  return multiply_add(load_step(a), load_step(b), sum);
}
#else
template <class S>
constexpr std::int64_t kStride = kLanes<Compute<S>>;
inline F32 multiply_add_stored(const BFloat16* a, const BFloat16* b, F32 sum) {
  return load(a) * load(b) + sum;
}
#endif

template <class S>
Compute<S> dot(const S* x, const S* weight, std::int64_t in) {
  using C = Compute<S>;
  constexpr std::int64_t stride = kStride<S>;
  // As many sums as additions are under way at a time.
  constexpr int kSums = 4;
  Vector<C> sums[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums * stride <= in; i += kSums * stride)
#pragma GCC unroll 4
    for (int s = 0; s < kSums; ++s) {
      if (s % 2 == 0) prefetch_ahead(weight + i + s * stride);
      sums[s] = multiply_add_stored(x + i + s * stride, weight + i + s * stride, sums[s]);
    }
  for (; i + stride <= in; i += stride) sums[0] = multiply_add_stored(x + i, weight + i, sums[0]);
  C result = sum_lanes<C>((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < in; ++i) result += to_compute(x[i]) * to_compute(weight[i]);
  return result;
}

void few_rows(DType dtype, const void* x, const void* weight, const void* bias, void* y, std::int64_t rows,
              std::int64_t in, std::int64_t out, std::int64_t begin, std::int64_t end) {
  visit_floating(dtype, [&]<class S>() {
    const S* px = static_cast<const S*>(x);
    const S* pw = static_cast<const S*>(weight);
    const auto* pb = static_cast<const Compute<S>*>(bias);
    S* py = static_cast<S*>(y);
    for (std::int64_t first = begin; first < end; first += kWeightRows)
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t o = first; o < min_integer(first + kWeightRows, end); ++o)
          from_compute(dot(px + r * in, pw + o * in, in) + (pb == nullptr ? Compute<S>(0) : pb[o]),
                       py[r * out + o]);
  });
}

}  // namespace

void fill(backend::MatrixVectorKernels& kernels) {
  kernels.few_rows = few_rows;
}

}  // namespace attend::ATTEND_ISA
