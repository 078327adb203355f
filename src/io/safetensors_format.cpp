#include "io/safetensors_format.h"

#include <algorithm>
#include <array>
#include <utility>

namespace attend::io {
namespace {

constexpr std::array<std::pair<DType, std::string_view>, 7> kNames{{{DType::f32, "F32"},
                                                                    {DType::bf16, "BF16"},
                                                                    {DType::f64, "F64"},
                                                                    {DType::i32, "I32"},
                                                                    {DType::i64, "I64"},
                                                                    {DType::u8, "U8"},
                                                                    {DType::boolean, "BOOL"}}};

}  // namespace

std::string_view safetensors_name(DType dtype) {
  for (const auto& [value, name] : kNames) {
    if (value == dtype) return name;
  }
  return "";
}

std::optional<DType> dtype_from_safetensors_name(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> safetensors_bytes(DType dtype, std::span<const std::int64_t> shape) {
  // A later stride computation must not overflow either, so a size of 0 does not excuse the others.
  std::int64_t product = static_cast<std::int64_t>(size_of(dtype));
  bool empty = false;
  for (const std::int64_t size : shape) {
    if (size < 0) return std::nullopt;
    if (size == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(product, size, &product)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : static_cast<std::uint64_t>(product);
}

std::optional<std::size_t> find_bad_boolean(std::span<const std::byte> data) {
  const auto bad = std::find_if(data.begin(), data.end(), [](std::byte b) { return b > std::byte{1}; });
  if (bad == data.end()) return std::nullopt;
  return static_cast<std::size_t>(bad - data.begin());
}

}  // namespace attend::io
