#include "decode/no_repeat.h"

#include <algorithm>

namespace attend::decode {

std::vector<std::int32_t> repeating_tokens(std::span<const std::int32_t> tokens, std::int64_t n) {
  std::vector<std::int32_t> result;
  const auto before = static_cast<std::size_t>(n - 1);
  if (n < 1 || tokens.size() < before) return result;
  const auto last = tokens.subspan(tokens.size() - before);
  for (std::size_t begin = 0; begin + before < tokens.size(); ++begin)
    if (std::ranges::equal(tokens.subspan(begin, before), last)) result.push_back(tokens[begin + before]);
  return result;
}

}  // namespace attend::decode
