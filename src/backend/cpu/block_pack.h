#pragma once

// Bringing matrices into the layouts that block_product.h reads.

#include "backend/cpu/block_product.h"

namespace attend::ATTEND_ISA {

/// to[rows padded][width] = from[rows][columns] with zeros around; width >= columns is the padded number of
/// columns.
template <class S, class E>
inline void pack_rows(const S* from, std::int64_t row_stride, std::int64_t rows, std::int64_t columns, E* to,
                      std::int64_t padded_rows, std::int64_t width) {
  constexpr std::int64_t lanes = kLanes<Compute<S>>;
  for (std::int64_t r = 0; r < rows; ++r) {
    const S* line = from + r * row_stride;
    E* out = to + r * width;
    if constexpr (sizeof(S) == sizeof(E)) {
      __builtin_memcpy(static_cast<void*>(out), line, static_cast<std::size_t>(columns) * sizeof(S));
    } else {
      std::int64_t i = 0;
      for (; i + lanes <= columns; i += lanes) store(out + i, load(line + i));
      for (; i < columns; ++i) from_compute(to_compute(line[i]), out[i]);
    }
    __builtin_memset(static_cast<void*>(out + columns), 0,
                     static_cast<std::size_t>(width - columns) * sizeof(E));
  }
  __builtin_memset(static_cast<void*>(to + rows * width), 0,
                   static_cast<std::size_t>((padded_rows - rows) * width) * sizeof(E));
}

/// The word that one step of a product reads: one value, or a pair of bf16.
template <class E>
struct WordOf {
  using type = std::uint32_t;
};
template <>
struct WordOf<double> {
  using type = std::uint64_t;
};
template <class E>
using Word = typename WordOf<E>::type;

/// Rows of values with a distance between them: an A operand, or what is packed into a B operand.
template <class E>
struct Rows {
  const E* data;
  std::int64_t stride;
};

/// Whether padded_rows_of leaves rows where they are and needs no buffer, wherever and however far apart they
/// lie.
template <class S, class E>
constexpr bool always_in_place(std::int64_t rows, std::int64_t columns) {
  return sizeof(S) == sizeof(E) && kStep<E> == 1 && rows == padded(rows) && columns == padded(columns);
}

/// The rows where they are when they need neither padding nor another type, otherwise a padded copy in
/// `buffer`.
template <class S, class E>
inline Rows<E> padded_rows_of(const S* from, std::int64_t row_stride, std::int64_t rows, std::int64_t columns,
                              E* buffer, std::int64_t padded_rows, std::int64_t width) {
  if constexpr (sizeof(S) == sizeof(E)) {
    // Pairs of bf16 are moved as words.
    const bool whole_words =
        row_stride % kStep<E> == 0 && reinterpret_cast<std::uintptr_t>(from) % sizeof(Word<E>) == 0;
    if (rows == padded_rows && columns == width && whole_words) return {from, row_stride};
  }
  pack_rows(from, row_stride, rows, columns, buffer, padded_rows, width);
  return {buffer, width};
}

/// to[columns][16] = the transpose of 16 rows of words; the number of columns is a multiple of 16.
template <class Word>
inline void transpose_words(const Word* from, std::int64_t stride, std::int64_t columns, Word* to) {
#if defined(__AVX512F__)
  if constexpr (sizeof(Word) == 4) {
    for (std::int64_t column = 0; column < columns; column += 16) {
      __m512i r[16], t[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_si512(from + i * stride + column);
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
      }
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
      }
      // r[4 g + c] holds, in each 128-bit lane l, column 4 l + c of rows 4 g to 4 g + 3.
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) {
        const __m512i low = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x88),
                      high = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xdd);
        const __m512i low2 = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x88),
                      high2 = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xdd);
        _mm512_storeu_si512(to + (column + c) * 16, _mm512_shuffle_i32x4(low, low2, 0x88));
        _mm512_storeu_si512(to + (column + 4 + c) * 16, _mm512_shuffle_i32x4(high, high2, 0x88));
        _mm512_storeu_si512(to + (column + 8 + c) * 16, _mm512_shuffle_i32x4(low, low2, 0xdd));
        _mm512_storeu_si512(to + (column + 12 + c) * 16, _mm512_shuffle_i32x4(high, high2, 0xdd));
      }
    }
    return;
  }
#endif
  for (std::int64_t column = 0; column < columns; ++column)
    for (std::int64_t row = 0; row < 16; ++row) to[column * 16 + row] = from[row * stride + column];
}

/// B = rows^T: k runs along the columns of the rows [n][width], which are its panels' depth.
template <class E>
inline void pack_transposed(const Rows<E>& rows, std::int64_t n, std::int64_t width, E* to) {
  for (std::int64_t panel = 0; panel < n; panel += kPanel)
    transpose_words(reinterpret_cast<const Word<E>*>(rows.data + panel * rows.stride), rows.stride / kStep<E>,
                    width / kStep<E>, reinterpret_cast<Word<E>*>(to + panel * width));
}

/// One step of k of one panel, from computed values in rows.
inline void pack_step(const float* rows, std::int64_t, float* to) {
  __builtin_memcpy(to, rows, kPanel * sizeof(float));
}
inline void pack_step(const double* rows, std::int64_t, double* to) {
  __builtin_memcpy(to, rows, kPanel * sizeof(double));
}
inline void pack_step(const BFloat16* rows, std::int64_t stride, BFloat16* to) {
#if defined(__AVX512F__)
  const auto widened = [](const BFloat16* p) {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  };
  _mm512_storeu_si512(to, _mm512_or_si512(widened(rows), _mm512_slli_epi32(widened(rows + stride), 16)));
#else
  for (std::int64_t j = 0; j < kPanel; ++j) {
    to[2 * j] = rows[j];
    to[2 * j + 1] = rows[stride + j];
  }
#endif
}

/// B = rows: k runs over the rows [k][width], n over their columns.
template <class E>
inline void pack_panels(const Rows<E>& rows, std::int64_t k, std::int64_t width, E* to) {
  for (std::int64_t panel = 0; panel < width; panel += kPanel)
    for (std::int64_t i = 0; i < k; i += kStep<E>)
      pack_step(rows.data + i * rows.stride + panel, rows.stride, to + panel * k + i * kPanel);
}

/// to[width][n] = rows[n][width]^T, as rows: an A operand.
template <class E>
inline void transpose_rows(const Rows<E>& rows, std::int64_t n, std::int64_t width, E* to) {
  alignas(64) Word<E> words[256 * 16];  // head dimensions reach 256
  for (std::int64_t first = 0; first < n; first += 16) {
    transpose_words(reinterpret_cast<const Word<E>*>(rows.data + first * rows.stride), rows.stride / kStep<E>,
                    width / kStep<E>, words);
    for (std::int64_t c = 0; c < width / kStep<E>; ++c) {
      const Word<E>* line = words + c * 16;
      if constexpr (sizeof(E) == 2) {
        std::uint16_t even[16], odd[16];
        for (int i = 0; i < 16; ++i) {
          even[i] = static_cast<std::uint16_t>(line[i]);
          odd[i] = static_cast<std::uint16_t>(line[i] >> 16);
        }
        __builtin_memcpy(static_cast<void*>(to + 2 * c * n + first), even, sizeof even);
        __builtin_memcpy(static_cast<void*>(to + (2 * c + 1) * n + first), odd, sizeof odd);
      } else {
        __builtin_memcpy(static_cast<void*>(to + c * n + first), line, 16 * sizeof(E));
      }
    }
  }
}

/// Hands out parts of a scratch buffer, each aligned to 64 bytes. With a null buffer it only counts.
class Arena {
 public:
  explicit Arena(void* memory) : memory_(static_cast<char*>(memory)) {}

  template <class T>
  T* take(std::int64_t count) {
    const std::size_t at = used_;
    used_ += (static_cast<std::size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + at);
  }
  std::size_t used() const { return used_; }

 private:
  char* memory_;
  std::size_t used_ = 0;
};

}  // namespace attend::ATTEND_ISA
