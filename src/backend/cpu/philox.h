#pragma once

// Philox4x32-10 (attend/base/random.h) on vectors: each lane is a counter of its own. Equal to attend::philox
// bit for bit.

#include "backend/cpu/vector.h"

#if !defined(__AVX2__)
#include <emmintrin.h>
#endif

namespace attend::ATTEND_ISA {

/// The upper and lower halves of the products of 32-bit lanes with a constant.
inline void multiply_wide(U32 v, std::uint32_t factor, U32& high, U32& low) {
  const U64 odd_lanes = bit_cast_vector<U64>(v) >> 32;
#if defined(__AVX512F__)
  const __m512i f = _mm512_set1_epi64(factor);
  const U64 even = bit_cast_vector<U64>(_mm512_mul_epu32(bit_cast_vector<__m512i>(v), f));
  const U64 odd = bit_cast_vector<U64>(_mm512_mul_epu32(bit_cast_vector<__m512i>(odd_lanes), f));
#elif defined(__AVX2__)
  const __m256i f = _mm256_set1_epi64x(factor);
  const U64 even = bit_cast_vector<U64>(_mm256_mul_epu32(bit_cast_vector<__m256i>(v), f));
  const U64 odd = bit_cast_vector<U64>(_mm256_mul_epu32(bit_cast_vector<__m256i>(odd_lanes), f));
#else
  const __m128i f = _mm_set1_epi64x(factor);
  const U64 even = bit_cast_vector<U64>(_mm_mul_epu32(bit_cast_vector<__m128i>(v), f));
  const U64 odd = bit_cast_vector<U64>(_mm_mul_epu32(bit_cast_vector<__m128i>(odd_lanes), f));
#endif
  high = bit_cast_vector<U32>((even >> 32) | (odd & 0xffffffff00000000ull));
  low = bit_cast_vector<U32>((even & 0xffffffffull) | (odd << 32));
}

struct PhiloxLanes {
  U32 words[4];
};

/// The four words of each lane's counter.
inline PhiloxLanes philox_lanes(PhiloxLanes counter, std::uint64_t key) {
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    U32 high0, low0, high1, low1;
    multiply_wide(counter.words[0], 0xD2511F53u, high0, low0);
    multiply_wide(counter.words[2], 0xCD9E8D57u, high1, low1);
    counter.words[0] = high1 ^ counter.words[1] ^ k0;
    counter.words[1] = low1;
    counter.words[2] = high0 ^ counter.words[3] ^ k1;
    counter.words[3] = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

/// 16 counters {first + lane, c1, c2, c3}: out[word][lane].
inline void philox16(std::uint32_t first, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
                     std::uint64_t key, std::uint32_t (*out)[16]) {
  constexpr int lanes = kVectorBytes / 4;
  for (int part = 0; part < 16; part += lanes) {
    PhiloxLanes counter;
    for (int lane = 0; lane < lanes; ++lane)
      counter.words[0][lane] = first + static_cast<std::uint32_t>(part + lane);
    counter.words[1] = U32{} + c1;
    counter.words[2] = U32{} + c2;
    counter.words[3] = U32{} + c3;
    const PhiloxLanes result = philox_lanes(counter, key);
    for (int word = 0; word < 4; ++word)
      __builtin_memcpy(out[word] + part, &result.words[word], sizeof result.words[word]);
  }
}

}  // namespace attend::ATTEND_ISA
