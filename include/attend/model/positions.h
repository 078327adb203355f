#pragma once

#include <cstdint>

namespace attend::model {

/// How a model knows the place of a token.
enum class Positions : std::uint8_t {
  learned,     ///< a table of parameters, added to the embedding (Radford et al., GPT, 2018)
  sinusoidal,  ///< a fixed table, added to the embedding (Vaswani et al., 2017)
  rotary,      ///< queries and keys are rotated by their places (Su et al., RoFormer, 2021)
};

}  // namespace attend::model
