#include "task/picture_attention.h"

#include <algorithm>
#include <utility>

namespace attend::task {

explain::PictureMap scaled(explain::PictureMap map) {
  float most = 0;
  for (float& value : map.values) {
    value = std::max(value, 0.0F);
    most = std::max(most, value);
  }
  if (most > 0)
    for (float& value : map.values) value = std::min(value / most, 1.0F);
  return map;
}

std::vector<float> received(const Tensor& weights, std::int64_t first, std::int64_t end,
                            std::int64_t skipped) {
  const std::int64_t queries = weights.dim(2), keys = weights.dim(3);
  const auto values = weights.to_vector<float>();
  std::vector<double> sums(static_cast<std::size_t>(keys));
  for (std::int64_t row = first * queries; row < end * queries; ++row)
    for (std::int64_t key = 0; key < keys; ++key)
      sums[static_cast<std::size_t>(key)] +=
          static_cast<double>(values[static_cast<std::size_t>(row * keys + key)]);
  return {sums.begin() + skipped, sums.end()};
}

}  // namespace attend::task
