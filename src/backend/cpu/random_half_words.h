#pragma once

// Philox4x32-10 (attend/base/random.h) for many counters at once, as 16-bit numbers: number i of a stream is
// half-word i mod 8 of RandomStream::words(i / 8), the low half of each word first.

#include "backend/cpu/philox.h"

namespace attend::ATTEND_ISA {

/// How many 16-bit numbers one call of random_half_words() writes; a multiple of 8.
constexpr int kRandomHalfWords = kVectorBytes;

/// Writes the numbers 8 block to 8 block + kRandomHalfWords - 1 of the stream (seed, stream).
inline void random_half_words(std::uint64_t seed, std::uint64_t stream, std::uint64_t block,
                              std::uint16_t* out) {
  constexpr int lanes = kVectorBytes / 8;
  U64 counter;
  for (int i = 0; i < lanes; ++i) counter[i] = block + static_cast<std::uint64_t>(i);
  PhiloxLanes lane_words[1] = {{{counter, counter >> 32, U64{} + stream, U64{} + (stream >> 32)}}};
  philox_lanes<0, 10>(lane_words, PhiloxKeys(seed));
  const U64(&c)[4] = lane_words[0].words;
  const U64 first = interleave_low_halves(c[0], c[1]), second = interleave_low_halves(c[2], c[3]);
#if defined(__AVX512F__)
  const __m512i a = bit_cast_vector<__m512i>(first), b = bit_cast_vector<__m512i>(second);
  const __m512i low = _mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b);
  const __m512i high = _mm512_permutex2var_epi64(a, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b);
  __builtin_memcpy(out, &low, sizeof low);
  __builtin_memcpy(out + 4 * lanes, &high, sizeof high);
#else
  std::uint64_t words[2 * lanes];
  for (int i = 0; i < lanes; ++i) {
    words[2 * i] = first[i];
    words[2 * i + 1] = second[i];
  }
  __builtin_memcpy(out, words, sizeof words);
#endif
}

/// As many 16-bit numbers as a vector of C has lanes, each widened to an integer of C's size.
template <class C>
inline IntegerVector<C> load_half_words(const std::uint16_t* p) {
#if defined(__AVX512F__)
  if constexpr (sizeof(C) == 4)
    return bit_cast_vector<I32>(
        _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
#endif
  IntegerVector<C> wide;
  for (int i = 0; i < kLanes<C>; ++i) wide[i] = p[i];
  return wide;
}

}  // namespace attend::ATTEND_ISA
