#include "model/anchors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "attend/op/boxes.h"

namespace attend::model {

namespace {

// The `count` of them whose random words are smallest.
std::vector<std::int64_t> drawn(const std::vector<std::int64_t>& candidates, std::int64_t count,
                                const RandomStream& random, std::int64_t picture) {
  if (static_cast<std::int64_t>(candidates.size()) <= count) return candidates;
  std::vector<std::pair<std::uint32_t, std::int64_t>> keys;
  for (const std::int64_t candidate : candidates) {
    const auto place = (static_cast<std::uint64_t>(picture) << 32) + static_cast<std::uint64_t>(candidate);
    keys.emplace_back(random.words(place / 4)[place % 4], candidate);
  }
  std::sort(keys.begin(), keys.end());
  std::vector<std::int64_t> result;
  for (std::int64_t i = 0; i < count; ++i) result.push_back(keys[static_cast<std::size_t>(i)].second);
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace

Tensor anchors_of_level(std::int64_t height, std::int64_t width, std::int64_t stride, double size) {
  constexpr std::array<double, kAnchorsOfPlace> kAspects = {0.5, 1, 2};
  std::vector<double> corners;
  const auto step = static_cast<double>(stride);
  for (std::int64_t i = 0; i < height; ++i)
    for (std::int64_t j = 0; j < width; ++j)
      for (const double aspect : kAspects) {
        const double x = (static_cast<double>(j) + 0.5) * step, y = (static_cast<double>(i) + 0.5) * step,
                     half_width = size * std::sqrt(aspect) / 2, half_height = size / std::sqrt(aspect) / 2;
        corners.insert(corners.end(), {x - half_width, y - half_height, x + half_width, y + half_height});
      }
  return Tensor::from(corners, {height * width * kAnchorsOfPlace, 4});
}

std::vector<std::int64_t> match_boxes(const Tensor& candidates, const Tensor& objects,
                                      const BoxMatchOptions& options) {
  const auto rows = static_cast<std::size_t>(candidates.dim(0)),
             columns = static_cast<std::size_t>(objects.dim(0));
  std::vector<std::int64_t> matches(rows, kBackground);
  if (columns == 0 || rows == 0) return matches;
  const std::vector<double> overlap = op::box_iou(candidates, objects).to_vector<double>();
  std::vector<double> best_of_object(columns, 0);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      best_of_object[j] = std::max(best_of_object[j], overlap[i * columns + j]);
  for (std::size_t i = 0; i < rows; ++i) {
    const double* row = overlap.data() + i * columns;
    const auto best = static_cast<std::size_t>(std::max_element(row, row + columns) - row);
    bool finds = row[best] >= options.object_from;
    if (options.best_of_each_object)
      for (std::size_t j = 0; j < columns; ++j) finds |= row[j] > 0 && row[j] == best_of_object[j];
    if (finds)
      matches[i] = static_cast<std::int64_t>(best);
    else if (row[best] >= options.background_below)
      matches[i] = kUndecided;
  }
  return matches;
}

BoxSample sample_matches(const std::vector<std::int64_t>& matches, std::int64_t count, double object_share,
                         const RandomStream& random, std::int64_t picture) {
  BoxSample all;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (matches[i] >= 0) all.objects.push_back(static_cast<std::int64_t>(i));
    if (matches[i] == kBackground) all.background.push_back(static_cast<std::int64_t>(i));
  }
  BoxSample sample;
  sample.objects =
      drawn(all.objects, std::llround(static_cast<double>(count) * object_share), random, picture);
  sample.background =
      drawn(all.background, count - static_cast<std::int64_t>(sample.objects.size()), random, picture);
  return sample;
}

}  // namespace attend::model
