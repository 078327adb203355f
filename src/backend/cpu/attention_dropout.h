#pragma once

// The dropout mask of attention: a function of the stream, the head and the place alone, so that the backward
// pass makes the same one again, tile by tile, along either side.
//
// Place (query q, key k) of head h keeps its weight when 16-bit half-word number q mod 8 of
//
//     philox<7>(counter = {k, q / 8, stream + head number, upper half of stream}, key = seed)
//
// is at least dropout * 65536 (half-words 2 i and 2 i + 1 are the lower and the upper half of word i). Seven
// rounds, as in FlashAttention, for drawing is a good part of what dropout costs.

#include "backend/cpu/attention_block.h"
#include "backend/cpu/philox.h"

namespace attend::ATTEND_ISA {

constexpr std::int64_t kDropoutTile = 16;       // queries and keys on each side of a tile
constexpr std::int64_t kDropoutTileWords = 16;  // one bit a place, one word a line

inline std::uint32_t dropout_threshold(double dropout) {
  return static_cast<std::uint32_t>(dropout * 65536 + 0.5);
}

/// words[i] bit j: may query (query + i) keep key (key + j)? Both are multiples of 16. `keys` are those of
/// s.seed.
inline void dropout_tile_by_query(const backend::AttentionShape& s, const PhiloxKeys& keys,
                                  std::int64_t batch, std::int64_t head, std::int64_t query, std::int64_t key,
                                  std::uint16_t* words) {
  const std::uint64_t stream = (s.stream << 20) + static_cast<std::uint64_t>(batch * s.heads + head);
  const std::uint32_t threshold = dropout_threshold(s.dropout);
  alignas(64) std::uint32_t random[2][4][16];
  philox16<2, 7>(static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(query / 8),
                 static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32), keys, random);
  if (threshold > 0xffff) {
    for (int line = 0; line < kDropoutTileWords; ++line) words[line] = 0;
    return;
  }
#if defined(__AVX512F__)
  // A half-word is at least the threshold when the word that it begins is at least what the threshold begins.
  const __m512i bound = _mm512_set1_epi32(static_cast<int>(threshold << 16));
#endif
  for (int part = 0; part < 2; ++part)
    for (int word = 0; word < 4; ++word) {
      std::uint16_t* lines = words + 8 * part + 2 * word;
#if defined(__AVX512F__)
      const __m512i both = _mm512_load_si512(random[part][word]);
      lines[0] = _mm512_cmpge_epu32_mask(_mm512_slli_epi32(both, 16), bound);
      lines[1] = _mm512_cmpge_epu32_mask(both, bound);
#else
      std::uint32_t lower = 0, upper = 0;
      for (int j = 0; j < 16; ++j) {
        lower |= static_cast<std::uint32_t>((random[part][word][j] & 0xffffu) >= threshold) << j;
        upper |= static_cast<std::uint32_t>((random[part][word][j] >> 16) >= threshold) << j;
      }
      lines[0] = static_cast<std::uint16_t>(lower);
      lines[1] = static_cast<std::uint16_t>(upper);
#endif
    }
}

/// words[j] bit i: may query (query + i) keep key (key + j)?
inline void dropout_tile_by_key(const backend::AttentionShape& s, const PhiloxKeys& keys, std::int64_t batch,
                                std::int64_t head, std::int64_t query, std::int64_t key,
                                std::uint16_t* words) {
  std::uint16_t by_query[kDropoutTileWords];
  dropout_tile_by_query(s, keys, batch, head, query, key, by_query);
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
#if defined(__AVX512F__)
  if constexpr (sizeof(C) == 4)
    return bit_cast_vector<I32>(_mm512_movm_epi32(static_cast<__mmask16>(bits >> first)));
#endif
  using Integer = typename VectorOf<C>::scalar_integer;
  const IntegerVector<C> lanes = lane_numbers<C>();
  return ((splat_integer<C>(static_cast<Integer>(bits >> first)) >> lanes) & 1) != 0;
}

/// Zeroes those of the 16 weights whose bit is not set.
template <class C, class E>
inline void keep_weights(std::uint16_t bits, E* weights) {
#if defined(__AVX512F__)
  if constexpr (sizeof(E) == 2) {
    auto* p = reinterpret_cast<__m256i*>(weights);
    _mm256_storeu_si256(p, _mm256_maskz_loadu_epi16(bits, p));
    return;
  } else if constexpr (sizeof(E) == 4) {
    _mm512_storeu_si512(weights, _mm512_maskz_loadu_epi32(bits, weights));
    return;
  }
#endif
  for (std::int64_t lane = 0; lane < kDropoutTile; lane += kLanes<C>)
    store(weights + lane, dropout_lanes<C>(bits, lane) ? load(weights + lane) : Vector<C>{});
}

/// Zeroes the dropped weights of a block: rows of queries from `query`, columns of keys from `key`, both
/// multiples of 16.
template <class C, class E>
inline void drop_weights(const backend::AttentionShape& s, const PhiloxKeys& keys, std::int64_t batch,
                         std::int64_t head, std::int64_t query, std::int64_t rows, std::int64_t key,
                         std::int64_t columns, E* weights, std::int64_t stride) {
  std::uint16_t words[kDropoutTileWords];
  for (std::int64_t r = 0; r < rows; r += kDropoutTile)
    for (std::int64_t j = 0; j < columns; j += kDropoutTile) {
      dropout_tile_by_query(s, keys, batch, head, query + r, key + j, words);
      for (std::int64_t i = 0; i < kDropoutTile && r + i < rows; ++i)
        keep_weights<C>(words[i], weights + (r + i) * stride + j);
    }
}

}  // namespace attend::ATTEND_ISA
