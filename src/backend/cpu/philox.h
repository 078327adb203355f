#pragma once

// Philox4x32 (attend/base/random.h) on vectors: each 64-bit lane is a counter of its own. Equal to
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

/// The two words of the key that each of at most ten rounds uses.
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

constexpr std::uint64_t kPhilox0 = 0xD2511F53, kPhilox1 = 0xCD9E8D57;

/// Each counter of the sets goes through the rounds from First on, of Rounds in all: it becomes its four
/// random words. Several sets at once, for the multiplications of one wait for each other.
template <int First, int Rounds, int Sets>
inline void philox_lanes(PhiloxLanes (&sets)[Sets], const PhiloxKeys& keys) {
  const U64 m0 = U64{} + kPhilox0, m1 = U64{} + kPhilox1;
#pragma GCC unroll 10
  for (int round = First; round < Rounds; ++round) {
    const auto& key = keys.rounds[round];
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

/// 16 counters {first + lane, c1 + column, c2, c3} for each of Columns columns: out[column][word][lane]. In
/// the first three rounds most of the numbers are the same for all lanes or for all columns.
template <int Columns, int Rounds>
inline void philox16(std::uint32_t first, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
                     const PhiloxKeys& keys, std::uint32_t (*out)[4][16]) {
  static_assert(Rounds >= 3);
  constexpr int lanes = kVectorBytes / 4;
  constexpr std::uint64_t kLow = 0xffffffff;
  const U64 m0 = U64{} + kPhilox0, m1 = U64{} + kPhilox1;
  const std::uint64_t product = kPhilox1 * c2;
  std::uint64_t products[Columns];
  for (int column = 0; column < Columns; ++column)
    products[column] =
        kPhilox0 * ((product >> 32) ^ (c1 + static_cast<std::uint32_t>(column)) ^ keys.rounds[0][0]);
  U64 even_numbers{};
  for (int lane = 0; lane < lanes / 2; ++lane) even_numbers[lane] = 2 * static_cast<std::uint64_t>(lane);
  for (int part = 0; part < 16; part += lanes) {
    PhiloxLanes columns[Columns][2];
    for (int turn = 0; turn < 2; ++turn) {
      const U64 p0 = multiply_low_halves(
          m0, even_numbers + (std::uint64_t{first} + static_cast<std::uint64_t>(part + turn)));
      const U64 p1 = multiply_low_halves(m1, (p0 >> 32) ^ (c3 ^ keys.rounds[0][1]));
      const U64 q0 = multiply_low_halves(m0, (p1 >> 32) ^ ((product & kLow) ^ keys.rounds[1][0]));
      for (int column = 0; column < Columns; ++column) {
        const U64 q1 = multiply_low_halves(m1, p0 ^ ((products[column] >> 32) ^ keys.rounds[1][1]));
        U64(&words)[4] = columns[column][turn].words;
        words[0] = (q1 >> 32) ^ p1 ^ keys.rounds[2][0];
        words[1] = q1;
        words[2] = (q0 >> 32) ^ ((products[column] & kLow) ^ keys.rounds[2][1]);
        words[3] = q0;
      }
    }
#pragma GCC unroll 2
    for (int column = 0; column < Columns; ++column) {
      philox_lanes<3, Rounds>(columns[column], keys);
      for (int word = 0; word < 4; ++word) {
        const U64 both =
            interleave_low_halves(columns[column][0].words[word], columns[column][1].words[word]);
        __builtin_memcpy(out[column][word] + part, &both, sizeof both);
      }
    }
  }
}

}  // namespace attend::ATTEND_ISA
