#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace attend {

/// Element types. Floating point: f32, bf16, f64 (for gradient checks); integer: i32, i64, u8; boolean: one
/// byte, 0 or 1.
enum class DType : std::uint8_t { f32, bf16, f64, i32, i64, u8, boolean };

/// bfloat16: the upper half of an IEEE-754 binary32. Conversion rounds to nearest, ties to even; NaN stays
/// NaN.
struct BFloat16 {
  std::uint16_t bits = 0;

  BFloat16() = default;
  explicit BFloat16(float value) {
    std::uint32_t u;
    std::memcpy(&u, &value, sizeof u);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<std::uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
  explicit operator float() const {
    const std::uint32_t u = static_cast<std::uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &u, sizeof value);
    return value;
  }
};

/// Bytes of one element.
constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::bf16:
      return 2;
    case DType::f64:
    case DType::i64:
      return 8;
    case DType::u8:
    case DType::boolean:
      return 1;
  }
  return 0;
}

constexpr bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f64;
}

/// "f32", "bf16", "f64", "i32", "i64", "u8", "bool".
std::string_view name_of(DType dtype);

/// The inverse of name_of. Throws Error for an unknown name.
DType dtype_from_name(std::string_view name);

/// DTypeOf<float>::value is DType::f32, and so on.
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};

}  // namespace attend
