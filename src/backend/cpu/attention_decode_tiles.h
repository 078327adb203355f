#pragma once

// The products of decode by AMX tiles: 16 keys or values against up to 16 lines (a line is one query of one
// head) at a time. One line alone would leave the tiles nearly empty, and still they are several times as
// fast as dot products of vectors.

#include "backend/cpu/attention_block.h"
#include "backend/cpu/block_pack.h"

#if defined(__AMX_BF16__)

namespace attend::ATTEND_ISA {

constexpr std::int64_t kTileRows = 16, kTileTerms = 32;

inline std::int64_t whole_tiles(std::int64_t lines) {
  return (lines + kTileRows - 1) / kTileRows * kTileRows;
}

/// B of keys . queries: to[group of 16 lines][width / 2][16][2] of lines [lines][width], zeros where there is
/// no line.
inline void pack_lines(const BFloat16* lines_of, std::int64_t lines, std::int64_t width, BFloat16* to) {
  __builtin_memset(static_cast<void*>(to), 0,
                   static_cast<std::size_t>(whole_tiles(lines) * width) * sizeof(BFloat16));
  for (std::int64_t line = 0; line < lines; ++line)
    for (std::int64_t i = 0; i < width; ++i)
      to[line / kTileRows * kTileRows * width + i / 2 * 2 * kTileRows + line % kTileRows * 2 + i % 2] =
          lines_of[line * width + i];
}

/// scores[line][k] = line . row k of the keys for Keys keys (16 or 64) and all lines, whose rows are
/// `score_stride` apart; `packed` is what pack_lines made. `width` is a multiple of 32. Calls prefetch(k) for
/// each key, in between.
template <std::int64_t Keys, class Prefetch>
inline void score_tiles(const BFloat16* keys, std::int64_t stride, const BFloat16* packed, std::int64_t lines,
                        std::int64_t width, float* scores, std::int64_t score_stride,
                        const Prefetch& prefetch) {
  static_assert(Keys == kTileRows || Keys == 4 * kTileRows);
  alignas(64) float by_key[Keys * kTileRows], by_line[kTileRows * kTileRows];
  const auto row_bytes = static_cast<std::size_t>(stride) * sizeof(BFloat16);
  for (std::int64_t first = 0; first < lines; first += kTileRows, packed += kTileRows * width) {
    _tile_zero(0);
    if constexpr (Keys > kTileRows) {
      // Sums of several tiles: each product waits for the one before it on the same sums.
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
    }
    for (std::int64_t i = 0; i < width; i += kTileTerms) {
      _tile_loadd(6, packed + i * kTileRows, 64);
      _tile_loadd(4, keys + i, row_bytes);
      _tile_dpbf16ps(0, 4, 6);
      if constexpr (Keys > kTileRows) {
        _tile_loadd(5, keys + kTileRows * stride + i, row_bytes);
        _tile_dpbf16ps(1, 5, 6);
        _tile_loadd(4, keys + 2 * kTileRows * stride + i, row_bytes);
        _tile_dpbf16ps(2, 4, 6);
        _tile_loadd(5, keys + 3 * kTileRows * stride + i, row_bytes);
        _tile_dpbf16ps(3, 5, 6);
      }
      if (first == 0)
        for (std::int64_t k = Keys * i / width; k < Keys * (i + kTileTerms) / width; ++k) prefetch(k);
    }
    _tile_stored(0, by_key, 64);
    if constexpr (Keys > kTileRows) {
      _tile_stored(1, by_key + kTileRows * kTileRows, 64);
      _tile_stored(2, by_key + 2 * kTileRows * kTileRows, 64);
      _tile_stored(3, by_key + 3 * kTileRows * kTileRows, 64);
    }
    for (std::int64_t k = 0; k < Keys; k += kTileRows) {
      transpose_words(reinterpret_cast<const std::uint32_t*>(by_key + k * kTileRows), kTileRows, kTileRows,
                      reinterpret_cast<std::uint32_t*>(by_line));
      for (std::int64_t line = first; line < min_integer(first + kTileRows, lines); ++line)
        store(scores + line * score_stride + k, load(by_line + (line - first) * kTileRows));
    }
  }
}

/// sum[line][j] += sum over k of weights[line][k] values[k][j] for `Keys` keys, of which `count` are; the
/// weights of the others are 0. Sums stand in another order until in_order() is called, and there is room for
/// whole tiles of lines. Calls prefetch(k) for each key, in between.
template <std::int64_t Keys, class Prefetch>
inline void add_tiles(const BFloat16* values, std::int64_t stride, std::int64_t count, std::int64_t value_dim,
                      const BFloat16* weights, std::int64_t lines, float* sum, std::int64_t width,
                      const Prefetch& prefetch) {
  constexpr std::int64_t kPairs = Keys / 2, kValues = 2 * kPanel;
  static_assert(Keys == 2 * kTileTerms);
  // B of weights . values: pairs of keys of the low four and of the high four of each eight values.
  alignas(64) BFloat16 low[kPairs * kValues], high[kPairs * kValues];
  const auto row_bytes = static_cast<std::size_t>(width) * sizeof(float);
  for (std::int64_t j = 0; j < value_dim; j += kValues) {
    const std::int64_t here = min_integer(value_dim - j, kValues);
    const auto counts = static_cast<__mmask32>((std::uint64_t{1} << here) - 1);
    const auto make_pairs = [&](const auto& row) {
      for (std::int64_t pair = 0; pair < kPairs; ++pair) {
        const __m512i a = row(2 * pair), b = row(2 * pair + 1);
        _mm512_store_si512(low + pair * kValues, _mm512_unpacklo_epi16(a, b));
        _mm512_store_si512(high + pair * kValues, _mm512_unpackhi_epi16(a, b));
        if (j == 0) prefetch(2 * pair), prefetch(2 * pair + 1);
      }
    };
    if (here == kValues && count == Keys)
      make_pairs([&](std::int64_t k) { return _mm512_loadu_si512(values + k * stride + j); });
    else
      make_pairs([&](std::int64_t k) {
        return k < count ? _mm512_maskz_loadu_epi16(counts, values + k * stride + j) : __m512i{};
      });
    for (std::int64_t first = 0; first < lines; first += kTileRows) {
      float* to = sum + first * width + j;
      _tile_loadd(0, to, row_bytes);
      _tile_loadd(1, to + kPanel, row_bytes);
      for (std::int64_t k = 0; k < Keys; k += kTileTerms) {
        _tile_loadd(2, weights + first * Keys + k, Keys * sizeof(BFloat16));
        _tile_loadd(3, low + k / 2 * kValues, 64);
        _tile_loadd(4, high + k / 2 * kValues, 64);
        _tile_dpbf16ps(0, 2, 3);
        _tile_dpbf16ps(1, 2, 4);
      }
      _tile_stored(0, to, row_bytes);
      _tile_stored(1, to + kPanel, row_bytes);
    }
  }
}

/// Brings the sums of one line into the order of the values.
inline void in_order(float* sum, std::int64_t width) {
  const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23),
                second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
  for (std::int64_t j = 0; j < width; j += 2 * kPanel) {
    const __m512 low = _mm512_loadu_ps(sum + j), high = _mm512_loadu_ps(sum + j + kPanel);
    _mm512_storeu_ps(sum + j, _mm512_permutex2var_ps(low, first, high));
    _mm512_storeu_ps(sum + j + kPanel, _mm512_permutex2var_ps(low, second, high));
  }
}

}  // namespace attend::ATTEND_ISA

#endif
