#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace attend::decode {

/// The tokens that would end a sequence of n tokens which occurs in `tokens` already.
std::vector<std::int32_t> repeating_tokens(std::span<const std::int32_t> tokens, std::int64_t n);

}  // namespace attend::decode
