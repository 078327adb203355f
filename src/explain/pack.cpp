#include "explain/pack.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "attend/base/error.h"
#include "attend/explain/color_map.h"

namespace attend::explain {
std::string base64(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((size + 2) / 3 * 4);
  for (std::size_t i = 0; i < size; i += 3) {
    const std::size_t count = std::min<std::size_t>(3, size - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) group = group << 8 | (j < count ? bytes[i + j] : 0u);
    for (std::size_t j = 0; j < 4; ++j) text += j <= count ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::string pack(const std::vector<std::uint8_t>& bytes) {
  uLongf size = compressBound(bytes.size());
  std::vector<std::uint8_t> packed(size);
  constexpr int kLevel = 5;
  if (compress2(packed.data(), &size, bytes.data(), bytes.size(), kLevel) != Z_OK)
    throw Error("the attention weights could not be compressed: out of memory");
  return base64(packed.data(), size);
}

std::vector<std::uint8_t> quantise(const std::vector<float>& weights) {
  std::vector<std::uint8_t> bytes(2 * weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto step = static_cast<std::uint32_t>(std::lround(65535.0f * std::min(weights[i], 1.0f)));
    bytes[i] = static_cast<std::uint8_t>(step >> 8);
    bytes[weights.size() + i] = static_cast<std::uint8_t>(step);
  }
  return bytes;
}

std::vector<std::uint8_t> thumbnail(const std::vector<float>& weights, std::int64_t queries,
                                    std::int64_t keys, std::int64_t side) {
  const std::int64_t rows = std::min(side, queries), columns = std::min(side, keys);
  std::vector<float> largest(static_cast<std::size_t>(rows * columns), 0.0f);
  for (std::int64_t q = 0; q < queries; ++q)
    for (std::int64_t k = 0; k < keys; ++k) {
      float& tile = largest[static_cast<std::size_t>(q * rows / queries * columns + k * columns / keys)];
      tile = std::max(tile, weights[static_cast<std::size_t>(q * keys + k)]);
    }
  std::vector<std::uint8_t> indices;
  for (const float weight : largest) indices.push_back(static_cast<std::uint8_t>(heat_index(weight)));
  return indices;
}

}  // namespace attend::explain
