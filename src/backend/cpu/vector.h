#pragma once

// Vectors of the instruction set that this file is compiled for, as the compilers' own vector types:
// arithmetic, comparison and selection are operators, and everything else is here. Everything lives in the
// namespace of the instruction set, so that no two of them ever share a function.

#include <cstdint>
#include <utility>

#include "attend/tensor/dtype.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace attend::ATTEND_ISA {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

typedef float F32 __attribute__((vector_size(kVectorBytes)));
typedef double F64 __attribute__((vector_size(kVectorBytes)));
typedef std::int32_t I32 __attribute__((vector_size(kVectorBytes)));
typedef std::uint32_t U32 __attribute__((vector_size(kVectorBytes)));
typedef std::int64_t I64 __attribute__((vector_size(kVectorBytes)));
typedef std::uint64_t U64 __attribute__((vector_size(kVectorBytes)));
typedef std::uint16_t U16Half __attribute__((vector_size(kVectorBytes / 2)));

/// The vector and the integer vector of a type that is computed with: float or double.
template <class C>
struct VectorOf;
template <>
struct VectorOf<float> {
  using type = F32;
  using integer = I32;
  using scalar_integer = std::int32_t;
};
template <>
struct VectorOf<double> {
  using type = F64;
  using integer = I64;
  using scalar_integer = std::int64_t;
};
template <class C>
using Vector = typename VectorOf<C>::type;
template <class C>
using IntegerVector = typename VectorOf<C>::integer;
template <class C>
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(C));

/// The type that a stored type is computed with: bf16 in float.
template <class S>
struct ComputeOf {
  using type = S;
};
template <>
struct ComputeOf<BFloat16> {
  using type = float;
};
template <class S>
using Compute = typename ComputeOf<S>::type;

template <class To, class From>
inline To bit_cast_vector(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

template <class C>
inline Vector<C> splat(C value) {
  // Subtracting zero changes no value, so compilers leave it out; adding it would make +0 of -0.
  return value - Vector<C>{};
}

// ---- Loads and stores; pointers need no alignment.

/// Asks for what lies a page after `p`, of memory that is read once and in order: processors foresee the rest
/// of a page, not the next one. Into the second cache, as the first one follows too few reads at a time;
/// every other line is enough.
inline void prefetch_ahead(const void* p) {
  __builtin_prefetch(static_cast<const char*>(p) + 4096, 0, 2);
}
/// The same for `bytes` from `p`.
inline void prefetch_ahead(const void* p, std::int64_t bytes) {
  for (std::int64_t i = 0; i < bytes; i += 128) prefetch_ahead(static_cast<const char*>(p) + i);
}

inline F32 load(const float* p) {
  F32 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline F64 load(const double* p) {
  F64 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline F32 load(const BFloat16* p) {
#if defined(__AVX512F__)
  return bit_cast_vector<F32>(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16));
#elif defined(__AVX2__)
  return bit_cast_vector<F32>(
      _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16));
#else
  U16Half bits;
  __builtin_memcpy(&bits, p, sizeof bits);
  return bit_cast_vector<F32>(__builtin_convertvector(bits, U32) << 16);
#endif
}

inline void store(float* p, F32 v) {
  __builtin_memcpy(p, &v, sizeof v);
}
inline void store(double* p, F64 v) {
  __builtin_memcpy(p, &v, sizeof v);
}
inline void store(BFloat16* p, F32 v) {
#if defined(__AVX512BF16__)
  const __m256bh h = _mm512_cvtneps_pbh(bit_cast_vector<__m512>(v));
  __builtin_memcpy(static_cast<void*>(p), &h, sizeof h);
#else
  const U32 u = bit_cast_vector<U32>(v);
  const U32 rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const U32 quiet = (u >> 16) | 0x40u;
  const U32 result = (v == v) ? rounded : quiet;
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(bit_cast_vector<__m512i>(result)));
#else
  const U16Half half = __builtin_convertvector(result, U16Half);
  __builtin_memcpy(static_cast<void*>(p), &half, sizeof half);
#endif
#endif
}

/// Loads `count` < lanes elements; the other lanes are zero.
template <class S>
inline Vector<Compute<S>> load_partial(const S* p, std::int64_t count) {
#if defined(__AVX512F__)
  const auto mask = (1u << count) - 1;
  if constexpr (sizeof(S) == 8)
    return bit_cast_vector<F64>(_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), p));
  else if constexpr (sizeof(S) == 4)
    return bit_cast_vector<F32>(_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), p));
  else
    return bit_cast_vector<F32>(_mm512_slli_epi32(
        _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(static_cast<__mmask16>(mask), p)), 16));
#else
  S buffer[kLanes<Compute<S>>] = {};
  for (std::int64_t i = 0; i < count; ++i) buffer[i] = p[i];
  return load(buffer);
#endif
}
template <class S>
inline void store_partial(S* p, Vector<Compute<S>> v, std::int64_t count) {
  S buffer[kLanes<Compute<S>>];
  store(buffer, v);
#if defined(__AVX512F__)
  const auto mask = (1u << count) - 1;
  if constexpr (sizeof(S) == 8)
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>(mask), bit_cast_vector<__m512d>(v));
  else if constexpr (sizeof(S) == 4)
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>(mask), bit_cast_vector<__m512>(v));
  else
    _mm256_mask_storeu_epi16(p, static_cast<__mmask16>(mask),
                             _mm256_loadu_si256(reinterpret_cast<const __m256i*>(buffer)));
#else
  for (std::int64_t i = 0; i < count; ++i) p[i] = buffer[i];
#endif
}

inline float to_compute(float v) {
  return v;
}
inline double to_compute(double v) {
  return v;
}
inline float to_compute(BFloat16 v) {
  const std::uint32_t u = static_cast<std::uint32_t>(v.bits) << 16;
  float f;
  __builtin_memcpy(&f, &u, sizeof f);
  return f;
}
inline void from_compute(float v, float& s) {
  s = v;
}
inline void from_compute(double v, double& s) {
  s = v;
}
inline void from_compute(float v, BFloat16& s) {
  std::uint32_t u;
  __builtin_memcpy(&u, &v, sizeof u);
  s.bits = static_cast<std::uint16_t>(v != v ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

// ---- Reductions over the lanes, always in the same order.

template <class C>
inline C sum_lanes(Vector<C> v) {
#if defined(__AVX512F__)
  // The same order as below, without a way through memory.
  if constexpr (sizeof(C) == 4) {
    const __m512 all = bit_cast_vector<__m512>(v);
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
#endif
  C lanes[kLanes<C>];
  __builtin_memcpy(lanes, &v, sizeof v);
  for (int step = kLanes<C> / 2; step > 0; step /= 2)
    for (int i = 0; i < step; ++i) lanes[i] += lanes[i + step];
  return lanes[0];
}
/// Lane i is the sum of the lanes of v[i]; `v` is overwritten.
template <class C>
inline Vector<C> sums_of_lanes(Vector<C> (&v)[kLanes<C>]) {
  constexpr int lanes = kLanes<C>;
  // Lane 2 i is a[i] + a[i + lanes / 2], lane 2 i + 1 the same of b.
  const auto zip_sum = []<int... I>(Vector<C> a, Vector<C> b, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, b, (I / 2 + I % 2 * lanes)...) +
           __builtin_shufflevector(a, b, (I / 2 + lanes / 2 + I % 2 * lanes)...);
  };
#pragma GCC unroll 4
  for (int half = lanes / 2; half > 0; half /= 2)
#pragma GCC unroll 8
    for (int i = 0; i < half; ++i)
      v[i] = zip_sum(v[i], v[i + half], std::make_integer_sequence<int, lanes>());
  return v[0];
}
template <class C>
inline C max_lanes(Vector<C> v) {
  C lanes[kLanes<C>];
  __builtin_memcpy(lanes, &v, sizeof v);
  C best = lanes[0];
  for (int i = 1; i < kLanes<C>; ++i) best = lanes[i] > best ? lanes[i] : best;
  return best;
}

/// a > b ? a : b, and a < b ? a : b: the second one when either is NaN. One instruction where there is one.
template <class V>
inline V max_of(V a, V b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(a[0]) == 4)
    return bit_cast_vector<V>(_mm512_max_ps(bit_cast_vector<__m512>(a), bit_cast_vector<__m512>(b)));
  return bit_cast_vector<V>(_mm512_max_pd(bit_cast_vector<__m512d>(a), bit_cast_vector<__m512d>(b)));
#elif defined(__AVX2__)
  if constexpr (sizeof(a[0]) == 4)
    return bit_cast_vector<V>(_mm256_max_ps(bit_cast_vector<__m256>(a), bit_cast_vector<__m256>(b)));
  return bit_cast_vector<V>(_mm256_max_pd(bit_cast_vector<__m256d>(a), bit_cast_vector<__m256d>(b)));
#else
  return a > b ? a : b;
#endif
}
template <class V>
inline V min_of(V a, V b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(a[0]) == 4)
    return bit_cast_vector<V>(_mm512_min_ps(bit_cast_vector<__m512>(a), bit_cast_vector<__m512>(b)));
  return bit_cast_vector<V>(_mm512_min_pd(bit_cast_vector<__m512d>(a), bit_cast_vector<__m512d>(b)));
#elif defined(__AVX2__)
  if constexpr (sizeof(a[0]) == 4)
    return bit_cast_vector<V>(_mm256_min_ps(bit_cast_vector<__m256>(a), bit_cast_vector<__m256>(b)));
  return bit_cast_vector<V>(_mm256_min_pd(bit_cast_vector<__m256d>(a), bit_cast_vector<__m256d>(b)));
#else
  return a < b ? a : b;
#endif
}

// ---- Functions

inline F32 sqrt(F32 v) {
#if defined(__AVX512F__)
  return bit_cast_vector<F32>(_mm512_sqrt_ps(bit_cast_vector<__m512>(v)));
#elif defined(__AVX2__)
  return bit_cast_vector<F32>(_mm256_sqrt_ps(bit_cast_vector<__m256>(v)));
#else
  F32 root;
  for (int i = 0; i < kLanes<float>; ++i) root[i] = __builtin_sqrtf(v[i]);
  return root;
#endif
}

#if defined(__AVX512F__)
// Fewer than half the instructions of the general form below: scaling by 2^n is one of them, and takes care
// of the largest results.
inline F32 exp_avx512(F32 x) {
  const __m512 v = bit_cast_vector<__m512>(x);
  // True for NaN.
  const __mmask16 normal = _mm512_cmp_ps_mask(v, _mm512_set1_ps(-87.33654f), _CMP_NLT_UQ);
  const F32 bounded = bit_cast_vector<F32>(_mm512_min_ps(_mm512_set1_ps(100.f), v));
  const __m512 rounded = _mm512_roundscale_ps(bit_cast_vector<__m512>(bounded * 1.44269504f), 8);
  const F32 n = bit_cast_vector<F32>(rounded);
  const F32 r = (bounded - n * 0.693145751953125f) - n * 1.42860682030941723e-6f;
  F32 p = splat(1.381307259e-3f);
  p = p * r + 8.369416646e-3f;
  p = p * r + 4.166845761e-2f;
  p = p * r + 1.666651481e-1f;
  p = p * r + 4.999999305e-1f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return bit_cast_vector<F32>(_mm512_maskz_scalef_ps(normal, bit_cast_vector<__m512>(p), rounded));
}
#endif

/// e^x. Error below 2 ulp for f32 and f64; 0 below the smallest normal result, infinity above the largest,
/// NaN stays.
template <class C>
inline Vector<C> exp(Vector<C> x) {
  using V = Vector<C>;
  using I = IntegerVector<C>;
  constexpr bool single = sizeof(C) == 4;
#if defined(__AVX512F__)
  if constexpr (single) return exp_avx512(x);
#endif
  // n = round(x / ln 2) by the rounding of an addition that pushes all fraction bits out.
  const C magic = single ? C(12582912.0) : C(6755399441055744.0);
  const C lowest = single ? C(-87.33654) : C(-708.3964185322641);
  const C highest = single ? C(88.72283) : C(709.782712893384);
  const V clamped = min_of(max_of(x, splat(lowest)), splat(highest));
  const V shifted = clamped * C(1.4426950408889634) + magic;
  const V n = shifted - magic;
  const V r = (clamped - n * (single ? C(0.693145751953125) : C(0.693147180369123816490))) -
              n * (single ? C(1.42860682030941723e-6) : C(1.90821492927058770002e-10));
  V p;
  if constexpr (single) {
    p = splat(C(1.9841270e-4));
    p = p * r + C(1.3888889e-3);
    p = p * r + C(8.3333333e-3);
    p = p * r + C(4.1666667e-2);
    p = p * r + C(1.6666667e-1);
    p = p * r + C(0.5);
    p = p * r + C(1);
    p = p * r + C(1);
  } else {
    p = splat(C(1.0 / 6227020800.0));
    for (const double c :
         {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0,
          1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0})
      p = p * r + C(c);
  }
  // 2^n in two factors, because n reaches one more than the largest exponent.
  const I bits = bit_cast_vector<I>(shifted) - bit_cast_vector<I>(splat(magic));
  const I half = bits >> 1;
  constexpr int mantissa = single ? 23 : 52;
  constexpr typename VectorOf<C>::scalar_integer bias = single ? 127 : 1023;
  const V first = bit_cast_vector<V>((half + bias) << mantissa);
  const V second = bit_cast_vector<V>((bits - half + bias) << mantissa);
  V result = p * first * second;
  result = x < splat(lowest) ? V{} : result;
  result = x > splat(highest) ? splat(C(__builtin_inf())) : result;
  return x == x ? result : x;
}

/// Calls body(first, count) for each block of lanes; count is the number of lanes that are in range.
template <class C, class Body>
inline void for_each_vector(std::int64_t n, Body&& body) {
  std::int64_t i = 0;
  for (; i + kLanes<C> <= n; i += kLanes<C>) body(i, std::int64_t{kLanes<C>});
  if (i < n) body(i, n - i);
}

/// Loads or stores a block that may be shorter than a vector.
template <class S>
inline Vector<Compute<S>> load_some(const S* p, std::int64_t count) {
  return count == kLanes<Compute<S>> ? load(p) : load_partial(p, count);
}
template <class S>
inline void store_some(S* p, Vector<Compute<S>> v, std::int64_t count) {
  if (count == kLanes<Compute<S>>)
    store(p, v);
  else
    store_partial(p, v, count);
}

/// Calls body.template operator()<S>() with the stored type of a floating dtype.
template <class Body>
inline void visit_floating(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::f32:
      return body.template operator()<float>();
    case DType::bf16:
      return body.template operator()<BFloat16>();
    case DType::f64:
      return body.template operator()<double>();
    default:
      return;
  }
}

}  // namespace attend::ATTEND_ISA
