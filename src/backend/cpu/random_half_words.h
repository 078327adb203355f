#pragma once

// Philox4x32-10 (attend/base/random.h) for many counters at once, as 16-bit numbers: number i of a stream is
// half-word i mod 8 of RandomStream::words(i / 8), the low half of each word first.

#include "backend/cpu/vector.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace attend::ATTEND_ISA {

/// 64-bit products of the low halves of the 64-bit lanes.
inline U64 multiply_low_halves(U64 a, U64 b) {
#if defined(__AVX512F__)
  return bit_cast_vector<U64>(_mm512_mul_epu32(bit_cast_vector<__m512i>(a), bit_cast_vector<__m512i>(b)));
#elif defined(__AVX2__)
  return bit_cast_vector<U64>(_mm256_mul_epu32(bit_cast_vector<__m256i>(a), bit_cast_vector<__m256i>(b)));
#elif defined(__SSE2__)
  return bit_cast_vector<U64>(_mm_mul_epu32(bit_cast_vector<__m128i>(a), bit_cast_vector<__m128i>(b)));
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

/// How many 16-bit numbers one call of random_half_words() writes; a multiple of 8.
constexpr int kRandomHalfWords = kVectorBytes;

/// Writes the numbers 8 block to 8 block + kRandomHalfWords - 1 of the stream (seed, stream).
inline void random_half_words(std::uint64_t seed, std::uint64_t stream, std::uint64_t block,
                              std::uint16_t* out) {
  constexpr int lanes = kVectorBytes / 8;
  U64 counter;
  for (int i = 0; i < lanes; ++i) counter[i] = block + static_cast<std::uint64_t>(i);
  // One 32-bit word in the low half of each lane; the high halves are never looked at.
  U64 c0 = counter, c1 = counter >> 32, c2 = U64{} + stream, c3 = U64{} + (stream >> 32);
  std::uint32_t k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
  const U64 m0 = U64{} + 0xD2511F53u, m1 = U64{} + 0xCD9E8D57u;
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const U64 p0 = multiply_low_halves(m0, c0), p1 = multiply_low_halves(m1, c2);
    c0 = (p1 >> 32) ^ c1 ^ std::uint64_t{k0};
    c2 = (p0 >> 32) ^ c3 ^ std::uint64_t{k1};
    c1 = p1;
    c3 = p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  const U64 first = (c0 & 0xffffffffu) | (c1 << 32), second = (c2 & 0xffffffffu) | (c3 << 32);
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
