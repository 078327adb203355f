#pragma once

// Philox4x32-10 (attend/base/random.h) on vectors: each 64-bit lane is a counter of its own. Equal to
// attend::philox bit for bit.

#include "backend/cpu/vector.h"

#if defined(__SSE2__) && !defined(__AVX2__)
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

/// Counters, one in each 64-bit lane: the low half holds a word, the high half is never looked at.
struct PhiloxLanes {
  U64 words[4];
};

/// The two words of the key that each of the ten rounds uses.
struct PhiloxKeys {
  std::uint64_t rounds[10][2];

  explicit PhiloxKeys(std::uint64_t key) {
    std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
    for (auto& round : rounds) {
      round[0] = k0;
      round[1] = k1;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  }
};

/// Each counter of the sets becomes its four random words. Several sets at once, for the multiplications of
/// one wait for each other.
template <int Sets>
inline void philox_lanes(PhiloxLanes (&sets)[Sets], const PhiloxKeys& keys) {
  const U64 m0 = U64{} + 0xD2511F53u, m1 = U64{} + 0xCD9E8D57u;
#pragma GCC unroll 10
  for (const auto& key : keys.rounds) {
#pragma GCC unroll 4
    for (int set = 0; set < Sets; ++set) {
      U64(&c)[4] = sets[set].words;
      const U64 p0 = multiply_low_halves(m0, c[0]), p1 = multiply_low_halves(m1, c[2]);
      c[0] = (p1 >> 32) ^ c[1] ^ key[0];
      c[2] = (p0 >> 32) ^ c[3] ^ key[1];
      c[1] = p1;
      c[3] = p0;
    }
  }
}

/// The low halves of two vectors' 64-bit lanes in turn: those of `even` in the even 32-bit lanes.
inline U64 interleave_low_halves(U64 even, U64 odd) {
#if defined(__AVX512F__)
  return bit_cast_vector<U64>(_mm512_mask_shuffle_epi32(bit_cast_vector<__m512i>(even), 0xaaaa,
                                                        bit_cast_vector<__m512i>(odd), _MM_PERM_CCAA));
#else
  return (even & 0xffffffffu) | (odd << 32);
#endif
}

/// 16 counters {first + lane, c1, c2, c3}: out[word][lane].
inline void philox16(std::uint32_t first, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
                     const PhiloxKeys& keys, std::uint32_t (*out)[16]) {
  constexpr int lanes = kVectorBytes / 4;
  U64 even_numbers{};
  for (int lane = 0; lane < lanes / 2; ++lane) even_numbers[lane] = 2 * static_cast<std::uint64_t>(lane);
  for (int part = 0; part < 16; part += lanes) {
    PhiloxLanes turns[2];
    for (int turn = 0; turn < 2; ++turn) {
      U64(&words)[4] = turns[turn].words;
      words[0] = even_numbers + (std::uint64_t{first} + static_cast<std::uint64_t>(part + turn));
      words[1] = U64{} + c1;
      words[2] = U64{} + c2;
      words[3] = U64{} + c3;
    }
    philox_lanes(turns, keys);
    for (int word = 0; word < 4; ++word) {
      const U64 both = interleave_low_halves(turns[0].words[word], turns[1].words[word]);
      __builtin_memcpy(out[word] + part, &both, sizeof both);
    }
  }
}

}  // namespace attend::ATTEND_ISA
