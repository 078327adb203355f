#include "attend/backend/activation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "attend/base/error.h"

namespace attend {

namespace {
constexpr std::array<std::string_view, 6> kNames = {"relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid"};
}

std::string_view name_of(Activation activation) {
  return kNames[static_cast<std::size_t>(activation)];
}

Activation activation_from_name(std::string_view name) {
  const auto* const place = std::ranges::find(kNames, name);
  if (place == kNames.end())
    throw Error(fmt::format("activation \"{}\": {} are accepted", name, fmt::join(kNames, ", ")));
  return static_cast<Activation>(place - kNames.begin());
}

}  // namespace attend
