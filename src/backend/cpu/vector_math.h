#pragma once

// Functions of vectors beyond vector.h. Each has two precisions: `full`, and `rough`, whose relative error is
// below 2^-12, for values that are rounded to bf16 (8 bits) right after.

#include "backend/cpu/vector.h"

namespace attend::ATTEND_ISA {

/// x between low and high; NaN stays.
template <class V>
inline V clamp(V x, V low, V high) {
  return min_of(high, max_of(low, x));
}

/// 1 / x for x that is finite and not zero, and whose inverse is normal.
template <class C, bool rough>
inline Vector<C> reciprocal(Vector<C> x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(C) == 4) {
    // A division of full width takes as long as everything else in most activations.
    const F32 r = bit_cast_vector<F32>(_mm512_rcp14_ps(bit_cast_vector<__m512>(x)));
    if constexpr (rough) return r;
    return r + r * (1 - x * r);
  }
#endif
  return 1 / x;
}

/// e^x; the rough one for -87 <= x <= 87 or NaN.
template <class C, bool rough>
inline Vector<C> exp_of(Vector<C> x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(C) == 4 && rough) {
    // n = round(x / ln 2) by an addition that pushes all fraction bits out; it is added to the exponent of
    // 2^f.
    constexpr float log2e = 1.44269504f, magic = 12582912.0f;
    const F32 shifted = x * log2e + magic;
    const F32 f = x * log2e - (shifted - magic);
    F32 p = splat(5.499789095e-2f);
    p = p * f + 2.422488979e-1f;
    p = p * f + 6.932883311e-1f;
    p = p * f + 1.0f;
    return bit_cast_vector<F32>(bit_cast_vector<I32>(p) + (bit_cast_vector<I32>(shifted) << 23));
  }
#endif
  return exp<C>(x);
}

/// A scalar function of each lane.
template <class C, class Function>
inline Vector<C> map_lanes(Vector<C> x, Function&& function) {
  C lanes[kLanes<C>];
  __builtin_memcpy(lanes, &x, sizeof x);
  for (int i = 0; i < kLanes<C>; ++i) lanes[i] = function(lanes[i]);
  __builtin_memcpy(&x, lanes, sizeof x);
  return x;
}

/// 1 / (1 + e^-x). Error below 3 ulp where the result is above 1e-35; below that it may be up to 1e-35.
template <class C, bool rough>
inline Vector<C> sigmoid(Vector<C> x) {
  constexpr C limit = sizeof(C) == 4 ? C(80) : C(700);
  return reciprocal<C, rough>(1 + exp_of<C, rough>(-clamp(x, splat(-limit), splat(limit))));
}

/// Error below 3 ulp for f32.
template <class C, bool rough>
inline Vector<C> tanh(Vector<C> x) {
  if constexpr (sizeof(C) == 8) {
    return map_lanes<C>(x, [](double v) { return __builtin_tanh(v); });
  } else {
    const F32 far =
        1 - 2 * reciprocal<C, rough>(1 + exp_of<C, rough>(2 * clamp(x, splat(-10.f), splat(10.f))));
    const F32 z = x * x;
    F32 p = splat(-5.704952386e-3f);
    p = p * z + 2.063906217e-2f;
    p = p * z + -5.373970922e-2f;
    p = p * z + 1.333144215e-1f;
    p = p * z + -3.333328194e-1f;
    const F32 near = x + x * z * p;
    return z < 0.39f ? near : far;
  }
}

/// The density of the normal distribution at x, and its integral up to x: e^(-x^2 / 2) / sqrt(2 pi) and
/// Phi(x) = erfc(-x / sqrt 2) / 2. For |x| <= 13 (f32) or 37 (f64), or NaN. Relative error of Phi for f32
/// below 4 ulp for x > -1, and below (2 + x^2 / 2) ulp in the tail.
template <class C>
struct Normal {
  Vector<C> density, integral;
};
template <class C, bool rough>
inline Normal<C> normal(Vector<C> x) {
  using V = Vector<C>;
  const V e = exp_of<C, rough>(x * x * C(-0.5));
  const V density = e * C(0.3989422804014327);
  if constexpr (sizeof(C) == 8) {
    return {density, map_lanes<C>(x, [](double v) { return 0.5 * __builtin_erfc(v * -0.7071067811865476); })};
  } else {
    // Phi(-a) e^(a^2 / 2) as a polynomial in t = 1 / (1 + c a), by least squares reweighted towards the
    // smallest largest relative error on 0 <= a <= 14: 2e-8, and 4e-5 for the rough one.
    const V a = bit_cast_vector<V>(bit_cast_vector<I32>(x) & 0x7fffffff);
    V p, t;
    if constexpr (rough) {
      t = reciprocal<C, rough>(1 + a * 0.38f);
      p = splat(-8.994240575e-2f);
      p = p * t + 1.889059207e-1f;
      p = p * t + 9.195933996e-2f;
      p = p * t + 1.578346357e-1f;
      p = p * t + 1.512248014e-1f;
    } else {
      t = reciprocal<C, rough>(1 + a * 0.21f);
      p = splat(-7.165814618e-2f);
      p = p * t + 2.835976010e-1f;
      p = p * t + -3.302723678e-1f;
      p = p * t + 3.494232829e-1f;
      p = p * t + -9.394117412e-2f;
      p = p * t + 1.248798876e-1f;
      p = p * t + 6.919021066e-2f;
      p = p * t + 8.506915659e-2f;
      p = p * t + 8.371155629e-2f;
    }
    const V tail = p * t * e;
    return {density, x > 0 ? 1 - tail : tail};
  }
}

}  // namespace attend::ATTEND_ISA
