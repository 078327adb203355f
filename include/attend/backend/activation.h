#pragma once

#include <cstdint>
#include <string_view>

namespace attend {

/// Element-wise non-linear functions.
enum class Activation : std::uint8_t {
  relu,       ///< max(x, 0)
  gelu,       ///< x Phi(x), Phi the normal distribution function (Hendrycks and Gimpel 2016)
  gelu_tanh,  ///< its approximation 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
  silu,       ///< x sigmoid(x)
  tanh,
  sigmoid,  ///< 1 / (1 + e^-x)
};

/// "relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid".
std::string_view name_of(Activation activation);

/// The inverse of name_of. Throws Error for an unknown name.
Activation activation_from_name(std::string_view name);

}  // namespace attend
