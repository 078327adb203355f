#pragma once

// The dropout mask of attention: a function of the stream, the head and the place alone, so that the backward
// pass makes the same one again, tile by tile, along either side.
//
// Place (query q, key k) of head h keeps its weight when 16-bit half-word number q mod 8 of
//
//     philox(counter = {k, q / 8, stream + head number, upper half of stream}, key = seed)
//
// is at least dropout * 65536 (half-words 2 i and 2 i + 1 are the lower and the upper half of word i).

#include "backend/cpu/attention_block.h"
#include "backend/cpu/philox.h"

namespace attend::ATTEND_ISA {

constexpr std::int64_t kDropoutTile = 16;       // queries and keys on each side of a tile
constexpr std::int64_t kDropoutTileWords = 16;  // one bit a place, one word a line

inline std::uint32_t dropout_threshold(double dropout) {
  return static_cast<std::uint32_t>(dropout * 65536 + 0.5);
}

/// words[i] bit j: may query (query + i) keep key (key + j)? Both are multiples of 16.
inline void dropout_tile_by_query(const backend::AttentionShape& s, std::int64_t batch, std::int64_t head,
                                  std::int64_t query, std::int64_t key, std::uint16_t* words) {
  const std::uint64_t stream = (s.stream << 20) + static_cast<std::uint64_t>(batch * s.heads + head);
  const std::uint32_t threshold = dropout_threshold(s.dropout);
  for (int part = 0; part < 2; ++part) {
    alignas(64) std::uint32_t random[4][16];
    philox16(static_cast<std::uint32_t>(key), static_cast<std::uint32_t>((query + 8 * part) / 8),
             static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32), s.seed, random);
    for (int i = 0; i < 8; ++i) {
#if defined(__AVX512F__)
      const __m512i halves = _mm512_and_si512(
          _mm512_srl_epi32(_mm512_load_si512(random[i / 2]), _mm_cvtsi32_si128(16 * (i % 2))),
          _mm512_set1_epi32(0xffff));
      words[8 * part + i] = _mm512_cmpge_epu32_mask(halves, _mm512_set1_epi32(static_cast<int>(threshold)));
#else
      std::uint32_t bits = 0;
      for (int j = 0; j < 16; ++j)
        bits |= static_cast<std::uint32_t>(((random[i / 2][j] >> (16 * (i % 2))) & 0xffffu) >= threshold)
                << j;
      words[8 * part + i] = static_cast<std::uint16_t>(bits);
#endif
    }
  }
}

/// words[j] bit i: may query (query + i) keep key (key + j)?
inline void dropout_tile_by_key(const backend::AttentionShape& s, std::int64_t batch, std::int64_t head,
                                std::int64_t query, std::int64_t key, std::uint16_t* words) {
  std::uint16_t by_query[kDropoutTileWords];
  dropout_tile_by_query(s, batch, head, query, key, by_query);
#if defined(__AVX512F__)
  const __m512i lines = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(by_query)));
  for (int j = 0; j < 16; ++j) words[j] = _mm512_test_epi32_mask(lines, _mm512_set1_epi32(1 << j));
#else
  for (int j = 0; j < 16; ++j) {
    std::uint32_t bits = 0;
    for (int i = 0; i < 16; ++i) bits |= ((static_cast<std::uint32_t>(by_query[i]) >> j) & 1u) << i;
    words[j] = static_cast<std::uint16_t>(bits);
  }
#endif
}

/// All ones in the lanes whose bit, counted from `first`, is set.
template <class C>
inline IntegerVector<C> dropout_lanes(std::uint16_t bits, std::int64_t first) {
  using Integer = typename VectorOf<C>::scalar_integer;
  const IntegerVector<C> lanes = lane_numbers<C>();
  return ((splat_integer<C>(static_cast<Integer>(bits >> first)) >> lanes) & 1) != 0;
}

/// Zeroes the dropped weights of a block: rows of queries from `query`, columns of keys from `key`, both
/// multiples of 16.
template <class C, class E>
inline void drop_weights(const backend::AttentionShape& s, std::int64_t batch, std::int64_t head,
                         std::int64_t query, std::int64_t rows, std::int64_t key, std::int64_t columns,
                         E* weights, std::int64_t stride) {
  std::uint16_t words[kDropoutTileWords];
  for (std::int64_t r = 0; r < rows; r += kDropoutTile)
    for (std::int64_t j = 0; j < columns; j += kDropoutTile) {
      dropout_tile_by_query(s, batch, head, query + r, key + j, words);
      for (std::int64_t i = 0; i < kDropoutTile && r + i < rows; ++i)
        for (std::int64_t lane = 0; lane < kDropoutTile; lane += kLanes<C>) {
          E* p = weights + (r + i) * stride + j + lane;
          store(p, dropout_lanes<C>(words[i], lane) ? load(p) : Vector<C>{});
        }
    }
}

}  // namespace attend::ATTEND_ISA
