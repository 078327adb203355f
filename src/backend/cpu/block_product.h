#pragma once

// Products of small dense blocks, the inside of the attention kernels: C (+)= A B.
//
// A is row-major. B is packed in panels of 16 columns; in a panel, k runs outermost and bf16 values stand in
// pairs of consecutive k, as the bf16 dot-product instructions (AVX512_BF16 and AMX alike) read them:
//
//     f32, f64:  [n / 16][k][16]          bf16:  [n / 16][k / 2][16][2]
//
// so element (k, n) of a block that starts at k0 lies k0 * 16 elements further in both. Sizes are padded with
// zeros: m and n to multiples of 16, k to a multiple of 32.

#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

constexpr std::int64_t kPanel = 16;
constexpr std::int64_t kPadding = 32;

constexpr std::int64_t padded(std::int64_t size) {
  return (size + kPadding - 1) / kPadding * kPadding;
}

/// What a stored type is packed as: bf16 stays bf16 only where the processor multiplies it.
template <class S>
struct PackedOf {
  using type = S;
};
#if !defined(__AVX512BF16__)
template <>
struct PackedOf<BFloat16> {
  using type = float;
};
#endif
template <class S>
using Packed = typename PackedOf<S>::type;

/// A packed B: `depth` is the padded k that one panel spans.
template <class E>
struct Panels {
  const E* data;
  std::int64_t depth;

  const E* at(std::int64_t k, std::int64_t n) const {
    return data + n / kPanel * kPanel * depth + k * kPanel;
  }
};

template <class E>
constexpr int kStep = 1;  // consecutive k that one instruction takes
template <>
inline constexpr int kStep<BFloat16> = 2;

inline F32 broadcast_step(const float* p) {
  return splat(*p);
}
inline F64 broadcast_step(const double* p) {
  return splat(*p);
}
inline F32 multiply_add(F32 a, F32 b, F32 c) {
  return a * b + c;
}
inline F64 multiply_add(F64 a, F64 b, F64 c) {
  return a * b + c;
}
#if defined(__AVX512BF16__)
struct BF16Pairs {
  __m512i bits;
};
inline BF16Pairs broadcast_step(const BFloat16* p) {
  std::int32_t pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return {_mm512_set1_epi32(pair)};
}
inline F32 multiply_add(BF16Pairs a, BF16Pairs b, F32 c) {
  __m512bh x, y;
  __builtin_memcpy(&x, &a, sizeof x);
  __builtin_memcpy(&y, &b, sizeof y);
  return bit_cast_vector<F32>(_mm512_dpbf16_ps(bit_cast_vector<__m512>(c), x, y));
}
#endif
template <class E>
struct StepVectorOf {
  using type = Vector<E>;
};
#if defined(__AVX512BF16__)
template <>
struct StepVectorOf<BFloat16> {
  using type = BF16Pairs;
};
#endif

template <class E>
inline typename StepVectorOf<E>::type load_step(const E* p) {
  typename StepVectorOf<E>::type v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

/// Rows x (Columns panels) of C kept in registers over the whole of k.
template <int Rows, int Columns, class E, class C>
inline void register_block(const E* a, std::int64_t lda, const E* b, std::int64_t panel_stride, C* c,
                           std::int64_t ldc, std::int64_t k, bool accumulate) {
  constexpr int kVectors = static_cast<int>(kPanel) / kLanes<C>;  // of one panel row
  constexpr std::int64_t kStepElements = kStep<E> * kPanel;
  Vector<C> sums[Rows][Columns * kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int j = 0; j < Columns * kVectors; ++j)
      sums[r][j] = accumulate ? load(c + r * ldc + j * kLanes<C>) : Vector<C>{};
  for (std::int64_t i = 0; i < k; i += kStep<E>) {
    typename StepVectorOf<E>::type columns[Columns * kVectors];
#pragma GCC unroll 8
    for (int j = 0; j < Columns * kVectors; ++j)
      columns[j] = load_step(b + j / kVectors * panel_stride + i / kStep<E> * kStepElements +
                             j % kVectors * kLanes<C> * kStep<E>);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const auto row = broadcast_step(a + r * lda + i);
#pragma GCC unroll 8
      for (int j = 0; j < Columns * kVectors; ++j) sums[r][j] = multiply_add(row, columns[j], sums[r][j]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int j = 0; j < Columns * kVectors; ++j) store(c + r * ldc + j * kLanes<C>, sums[r][j]);
}

template <class E, class C>
inline void vector_product(const E* a, std::int64_t lda, const Panels<E>& b, std::int64_t k0, std::int64_t n0,
                           C* c, std::int64_t ldc, std::int64_t m, std::int64_t n, std::int64_t k,
                           bool accumulate) {
  constexpr int kVectors = static_cast<int>(kPanel) / kLanes<C>;
  // As many sums as the registers hold beside one row of B: 32 registers with AVX-512, 16 before.
  constexpr int kColumns = kVectors == 1 ? 2 : 1;
  constexpr int kRows = kVectorBytes == 64 ? 8 : (kVectors == 2 ? 4 : 2);
  const std::int64_t panel_stride = b.depth * kPanel;
  std::int64_t j = 0;
  for (; j + kColumns * kPanel <= n; j += kColumns * kPanel)
    for (std::int64_t r = 0; r < m; r += kRows)
      register_block<kRows, kColumns>(a + r * lda, lda, b.at(k0, n0 + j), panel_stride, c + r * ldc + j, ldc,
                                      k, accumulate);
  for (; j < n; j += kPanel)
    for (std::int64_t r = 0; r < m; r += kRows)
      register_block<kRows, 1>(a + r * lda, lda, b.at(k0, n0 + j), panel_stride, c + r * ldc + j, ldc, k,
                               accumulate);
}

#if defined(__AMX_BF16__)

/// Tile registers as all products here use them: 16 rows of 64 bytes. Lives while a kernel runs.
class TileScope {
 public:
  TileScope() {
    // Constant data: the compiler's intrinsic claims to read only the first bytes of it, so stores to a local
    // object would be left out.
    _tile_loadconfig(&kConfiguration);
  }
  ~TileScope() { _tile_release(); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;

 private:
  struct alignas(64) Configuration {
    std::uint8_t palette, start_row, reserved[14];
    std::uint16_t row_bytes[16];
    std::uint8_t rows[16];
  };
  static constexpr Configuration kConfiguration = {
      1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
};

inline void product(const BFloat16* a, std::int64_t lda, const Panels<BFloat16>& b, std::int64_t k0,
                    std::int64_t n0, float* c, std::int64_t ldc, std::int64_t m, std::int64_t n,
                    std::int64_t k, bool accumulate) {
  const auto a_bytes = static_cast<std::size_t>(lda) * 2, c_bytes = static_cast<std::size_t>(ldc) * 4;
  std::int64_t r = 0;
  for (; r < m; r += 32) {
    const bool two_rows = r + 16 < m;
    for (std::int64_t j = 0; j < n; j += 32) {
      const bool two_columns = j + 16 < n;
      float* c0 = c + r * ldc + j;
      float* c1 = c0 + 16 * ldc;
      if (accumulate) {
        _tile_loadd(0, c0, c_bytes);
        if (two_columns) _tile_loadd(1, c0 + 16, c_bytes);
        if (two_rows) _tile_loadd(2, c1, c_bytes);
        if (two_rows && two_columns) _tile_loadd(3, c1 + 16, c_bytes);
      } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
      }
      const BFloat16* b0 = b.at(k0, n0 + j);
      const BFloat16* b1 = b0 + b.depth * kPanel;
      const BFloat16* a0 = a + r * lda;
      const BFloat16* a1 = a0 + 16 * lda;
      for (std::int64_t i = 0; i < k; i += 32) {
        _tile_loadd(4, a0 + i, a_bytes);
        _tile_loadd(6, b0 + i * kPanel, 64);
        _tile_dpbf16ps(0, 4, 6);
        if (two_columns) {
          _tile_loadd(7, b1 + i * kPanel, 64);
          _tile_dpbf16ps(1, 4, 7);
        }
        if (two_rows) {
          _tile_loadd(5, a1 + i, a_bytes);
          _tile_dpbf16ps(2, 5, 6);
          if (two_columns) _tile_dpbf16ps(3, 5, 7);
        }
      }
      _tile_stored(0, c0, c_bytes);
      if (two_columns) _tile_stored(1, c0 + 16, c_bytes);
      if (two_rows) _tile_stored(2, c1, c_bytes);
      if (two_rows && two_columns) _tile_stored(3, c1 + 16, c_bytes);
    }
  }
}

#else

class TileScope {
 public:
  TileScope() {}
  ~TileScope() {}
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

#endif

/// C[m, n] (+)= A[m, k] B[k, n], where the block of B starts at (k0, n0) of its panels.
template <class E, class C>
inline void product(const E* a, std::int64_t lda, const Panels<E>& b, std::int64_t k0, std::int64_t n0, C* c,
                    std::int64_t ldc, std::int64_t m, std::int64_t n, std::int64_t k, bool accumulate) {
  vector_product(a, lda, b, k0, n0, c, ldc, m, n, k, accumulate);
}

}  // namespace attend::ATTEND_ISA
