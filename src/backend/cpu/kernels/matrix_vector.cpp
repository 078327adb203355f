// Few rows against a large matrix, the work of decoding: bound by reading the weights from memory, so several
// rows of them stream at once and each is read a single time.

#include "backend/kernels/matrix_vector.h"

#include "backend/cpu/block_product.h"
#include "backend/cpu/kernels/table.h"

namespace attend::ATTEND_ISA {

namespace {

// Rows of the weights read side by side: as many as the registers hold two sums of.
constexpr int kStreams = kLanes<float> == 16 ? 8 : 4;

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

// The processor sees the next rows coming too late when each is short: bf16 asks for them itself.
template <class S>
inline void prefetch(const S* row) {
  if constexpr (sizeof(S) == 2) __builtin_prefetch(row);
}

template <class S, int Streams>
void dot_rows(const S* x, const S* weight, std::int64_t in, Compute<S>* results) {
  using C = Compute<S>;
  constexpr std::int64_t stride = kStride<S>;
  Vector<C> sums[Streams][2] = {};
  std::int64_t i = 0;
  for (; i + 2 * stride <= in; i += 2 * stride)
    for (int s = 0; s < Streams; ++s) {
      prefetch(weight + (s + Streams) * in + i);
      prefetch(weight + (s + Streams) * in + i + stride);
      sums[s][0] = multiply_add_stored(x + i, weight + s * in + i, sums[s][0]);
      sums[s][1] = multiply_add_stored(x + i + stride, weight + s * in + i + stride, sums[s][1]);
    }
  for (; i + stride <= in; i += stride)
    for (int s = 0; s < Streams; ++s)
      sums[s][0] = multiply_add_stored(x + i, weight + s * in + i, sums[s][0]);
  for (int s = 0; s < Streams; ++s) {
    results[s] = sum_lanes<C>(sums[s][0] + sums[s][1]);
    for (std::int64_t j = i; j < in; ++j) results[s] += to_compute(x[j]) * to_compute(weight[s * in + j]);
  }
}

template <class S, int Streams>
void rows_of(const S* x, const S* weight, const Compute<S>* bias, S* y, std::int64_t rows, std::int64_t in,
             std::int64_t out, std::int64_t o) {
  for (std::int64_t r = 0; r < rows; ++r) {
    Compute<S> results[Streams];
    dot_rows<S, Streams>(x + r * in, weight + o * in, in, results);
    for (int s = 0; s < Streams; ++s)
      from_compute(results[s] + (bias == nullptr ? Compute<S>(0) : bias[o + s]), y[r * out + o + s]);
  }
}

void few_rows(DType dtype, const void* x, const void* weight, const void* bias, void* y, std::int64_t rows,
              std::int64_t in, std::int64_t out, std::int64_t begin, std::int64_t end) {
  visit_floating(dtype, [&]<class S>() {
    const S* px = static_cast<const S*>(x);
    const S* pw = static_cast<const S*>(weight);
    const auto* pb = static_cast<const Compute<S>*>(bias);
    S* py = static_cast<S*>(y);
    std::int64_t o = begin;
    for (; o + kStreams <= end; o += kStreams) rows_of<S, kStreams>(px, pw, pb, py, rows, in, out, o);
    for (; o < end; ++o) rows_of<S, 1>(px, pw, pb, py, rows, in, out, o);
  });
}

}  // namespace

void fill(backend::MatrixVectorKernels& kernels) {
  kernels.few_rows = few_rows;
}

}  // namespace attend::ATTEND_ISA
