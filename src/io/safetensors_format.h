#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "attend/tensor/dtype.h"

namespace attend::io {

inline constexpr std::string_view kSafetensorsMetadataKey = "__metadata__";
inline constexpr std::uint64_t kSafetensorsLongestHeader = 100'000'000;

/// "F32" for DType::f32, and so on.
std::string_view safetensors_name(DType dtype);

/// The inverse; nothing for a name that is not supported.
std::optional<DType> dtype_from_safetensors_name(std::string_view name);

/// Bytes of a tensor; nothing when a size is negative or the product, zeros left aside, overflows.
std::optional<std::uint64_t> safetensors_bytes(DType dtype, std::span<const std::int64_t> shape);

/// The place of the first byte that is neither 0 nor 1; nothing when all are.
std::optional<std::size_t> find_bad_boolean(std::span<const std::byte> data);

}  // namespace attend::io
