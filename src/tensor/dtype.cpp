#include "attend/tensor/dtype.h"

#include <fmt/format.h>

#include <array>

#include "attend/base/error.h"

namespace attend {

namespace {
constexpr std::array<std::string_view, 7> kNames = {"f32", "bf16", "f64", "i32", "i64", "u8", "bool"};
}

std::string_view name_of(DType dtype) {
  return kNames[static_cast<std::size_t>(dtype)];
}

DType dtype_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<DType>(i);
  throw Error(fmt::format("dtype '{}': accepted are {}", name, fmt::join(kNames, ", ")));
}

}  // namespace attend
