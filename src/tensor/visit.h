#pragma once

#include <cstdint>
#include <type_traits>

#include "attend/base/error.h"
#include "attend/tensor/dtype.h"

namespace attend {

/// Calls `body.template operator()<T>()` with the C++ type of the dtype.
template <class Body>
decltype(auto) visit_dtype(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::f32:
      return body.template operator()<float>();
    case DType::bf16:
      return body.template operator()<BFloat16>();
    case DType::f64:
      return body.template operator()<double>();
    case DType::i32:
      return body.template operator()<std::int32_t>();
    case DType::i64:
      return body.template operator()<std::int64_t>();
    case DType::u8:
      return body.template operator()<std::uint8_t>();
    case DType::boolean:
      return body.template operator()<bool>();
  }
  throw Error("unknown dtype");
}

/// Calls `body.template operator()<Word>()` with the unsigned integer of the dtype's size: for code that
/// moves elements without looking at them.
template <class Body>
decltype(auto) visit_word(DType dtype, Body&& body) {
  switch (size_of(dtype)) {
    case 1:
      return body.template operator()<std::uint8_t>();
    case 2:
      return body.template operator()<std::uint16_t>();
    case 4:
      return body.template operator()<std::uint32_t>();
    default:
      return body.template operator()<std::uint64_t>();
  }
}

/// Element conversion by value; bf16 goes through float.
template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, From>)
    return value;
  else if constexpr (std::is_same_v<From, BFloat16>)
    return convert<To>(static_cast<float>(value));
  else if constexpr (std::is_same_v<To, BFloat16>)
    return BFloat16(static_cast<float>(value));
  else if constexpr (std::is_same_v<To, bool>)
    return value != From(0);
  else
    return static_cast<To>(value);
}

template <class To>
To from_double(double value) {
  return convert<To>(value);
}

}  // namespace attend
