#pragma once

// What the forward and the backward attention kernel share.

#include "backend/cpu/integers.h"
#include "backend/cpu/vector.h"
#include "backend/kernels/attention.h"

namespace attend::ATTEND_ISA {

template <class S>
inline S* at(const backend::HeadsOperand& operand, std::int64_t batch, std::int64_t row, std::int64_t head) {
  return static_cast<S*>(operand.data) + batch * operand.batch_stride + row * operand.row_stride +
         head * operand.head_stride;
}

/// 0, 1, 2, ... as integers of the width of C.
template <class C>
inline IntegerVector<C> lane_numbers() {
  IntegerVector<C> numbers;
  for (int i = 0; i < kLanes<C>; ++i) numbers[i] = i;
  return numbers;
}
template <class C>
inline IntegerVector<C> splat_integer(std::int64_t value) {
  return IntegerVector<C>{} + static_cast<typename VectorOf<C>::scalar_integer>(value);
}

/// Bit i is that of lane i, lanes being all ones or all zeros.
template <class C>
inline unsigned bits_of_lanes(IntegerVector<C> lanes) {
#if defined(__AVX512F__)
  if constexpr (sizeof(C) == 4) return _mm512_movepi32_mask(bit_cast_vector<__m512i>(lanes));
  return _mm512_movepi64_mask(bit_cast_vector<__m512i>(lanes));
#elif defined(__AVX2__)
  if constexpr (sizeof(C) == 4)
    return static_cast<unsigned>(_mm256_movemask_ps(bit_cast_vector<__m256>(lanes)));
  return static_cast<unsigned>(_mm256_movemask_pd(bit_cast_vector<__m256d>(lanes)));
#else
  unsigned bits = 0;
  for (int i = 0; i < kLanes<C>; ++i) bits |= lanes[i] != 0 ? 1U << i : 0U;
  return bits;
#endif
}

/// True when some lane is all ones.
template <class C>
inline bool any_lane(IntegerVector<C> lanes) {
  return bits_of_lanes<C>(lanes) != 0;
}

/// 2^x for x <= 127 (1023 in f64), 0 for x below -100 (-900), long before products with it leave the normal
/// range, where processors are a hundred times slower. The polynomial of 2^f, |f| <= 1/2, is as long as the
/// stored type S deserves: relative error 1e-4 for bf16, 2e-7 for f32, 2e-16 for f64.
template <class S, class C>
inline C exp2_polynomial(C f) {
  // Those of least relative error among the polynomials that are 1 at 0; in f64, ln(2)^n / n!.
  if constexpr (sizeof(S) == 2) {
    C p = C{} + 5.500893150114345e-2f;
    p = p * f + 2.422109635176617e-1f;
    p = p * f + 6.932829275247469e-1f;
    return p * f + 1.0f;
  } else if constexpr (sizeof(S) == 4) {
    C p = C{} + 1.3264727262146537e-3f;
    p = p * f + 9.671512710363370e-3f;
    p = p * f + 5.550733743741487e-2f;
    p = p * f + 2.402224208429439e-1f;
    p = p * f + 6.931469775985021e-1f;
    return p * f + 1.0f;
  } else {
    C p = C{} + 1.3691488853904129e-12;
    for (const double c :
         {2.5678435993488206e-11, 4.4455382718708113e-10, 7.0549116208011233e-9, 1.0178086009239699e-7,
          1.3215486790144309e-6, 1.5252733804059840e-5, 1.5403530393381609e-4, 1.3333558146428443e-3,
          9.6181291076284772e-3, 5.5504108664821580e-2, 2.4022650695910072e-1, 6.9314718055994531e-1, 1.0})
      p = p * f + c;
    return p;
  }
}

template <class S>
inline Vector<Compute<S>> exp2_of(Vector<Compute<S>> x) {
  using C = Compute<S>;
  using V = Vector<C>;
  using I = IntegerVector<C>;
#if defined(__AVX512F__)
  if constexpr (sizeof(C) == 4) {
    const __m512 v = bit_cast_vector<__m512>(x);
    // True for NaN, which goes on, and false for -infinity, whose lane is set to 0.
    const __mmask16 counts = _mm512_cmp_ps_mask(v, _mm512_set1_ps(-100.0f), _CMP_NLT_UQ);
    const __m512 n = _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const V p = exp2_polynomial<S>(bit_cast_vector<V>(v) - bit_cast_vector<V>(n));
    return bit_cast_vector<V>(_mm512_maskz_scalef_ps(counts, bit_cast_vector<__m512>(p), n));
  }
#endif
  constexpr bool single = sizeof(C) == 4;
  const C magic = single ? C(12582912.0) : C(6755399441055744.0);
  const C lowest = single ? C(-100) : C(-900), highest = single ? C(127) : C(1023);
  // Lanes that do not count may hold anything, and the exponent has to stay one.
  const V from_below = max_of(x, splat(lowest)),
          clamped = from_below > splat(highest) ? splat(highest) : from_below;
  const V shifted = clamped + magic;
  const V f = clamped - (shifted - magic);
  const I n = bit_cast_vector<I>(shifted) - bit_cast_vector<I>(splat(magic));
  const V p = exp2_polynomial<S>(f);
  const V result = bit_cast_vector<V>(bit_cast_vector<I>(p) + (n << (single ? 23 : 52)));
  return x < splat(lowest) ? V{} : (x == x ? result : x);
}

template <class C>
inline C exp2_scalar(C x) {
  return exp2_of<C>(splat(x))[0];
}

inline float log2_scalar(float x) {
  return __builtin_log2f(x);
}
inline double log2_scalar(double x) {
  return __builtin_log2(x);
}

}  // namespace attend::ATTEND_ISA
