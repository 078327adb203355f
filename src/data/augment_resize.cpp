#include <algorithm>
#include <cmath>
#include <vector>

#include "attend/data/augment.h"
#include "data/augment_draw.h"
#include "data/scene.h"

namespace attend::data {
namespace {

/// What of a row of the picture makes one pixel of the new row.
struct Taps {
  std::int64_t first = 0;
  std::vector<float> weights;
};

/// A triangle about the middle of each new pixel that reaches to the middles of its neighbours, those of the
/// picture or those of the new row, whichever are farther.
std::vector<Taps> triangle_taps(std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to), reach = std::max(scale, 1.0);
  std::vector<Taps> all(static_cast<std::size_t>(to));
  std::vector<double> weights;
  for (std::int64_t i = 0; i < to; ++i) {
    const double middle = (static_cast<double>(i) + 0.5) * scale;
    Taps& taps = all[static_cast<std::size_t>(i)];
    taps.first = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(middle - reach)));
    const std::int64_t end = std::min(from, static_cast<std::int64_t>(std::ceil(middle + reach)));
    double sum = 0;
    weights.clear();
    for (std::int64_t k = taps.first; k < end; ++k) {
      weights.push_back(std::max(0.0, 1 - std::abs(static_cast<double>(k) + 0.5 - middle) / reach));
      sum += weights.back();
    }
    for (const double weight : weights) taps.weights.push_back(static_cast<float>(weight / sum));
  }
  return all;
}

io::Image resized(const io::Image& image, std::int64_t height, std::int64_t width) {
  const std::int64_t channels = image.channels, row = width * channels;
  const std::vector<Taps> across = triangle_taps(image.width, width),
                          down = triangle_taps(image.height, height);
  std::vector<float> narrow(static_cast<std::size_t>(image.height * row));
  for (std::int64_t y = 0; y < image.height; ++y) {
    float* out = narrow.data() + y * row;
    for (const Taps& taps : across) {
      const std::uint8_t* in = image.pixels.data() + (y * image.width + taps.first) * channels;
      for (const float weight : taps.weights)
        for (std::int64_t c = 0; c < channels; ++c) out[c] += weight * static_cast<float>(*in++);
      out += channels;
    }
  }
  io::Image result{.height = height, .width = width, .channels = channels};
  result.pixels.reserve(static_cast<std::size_t>(height * row));
  std::vector<float> sums(static_cast<std::size_t>(row));
  for (const Taps& taps : down) {
    std::fill(sums.begin(), sums.end(), 0.5f);  // for rounding
    const float* in = narrow.data() + taps.first * row;
    for (const float weight : taps.weights)
      for (float& sum : sums) sum += weight * *in++;
    for (const float sum : sums) result.pixels.push_back(static_cast<std::uint8_t>(std::min(sum, 255.0f)));
  }
  return result;
}

/// The pixel whose square holds the middle of new pixel i.
std::int64_t nearest_pixel(std::int64_t i, std::int64_t from, std::int64_t to) {
  return (2 * i + 1) * from / (2 * to);
}

/// The largest part in the middle whose aspect is allowed.
Window largest_part(std::int64_t height, std::int64_t width, const RandomResizedCropOptions& options) {
  const double aspect = static_cast<double>(width) / static_cast<double>(height);
  const auto rounded = [](double side, std::int64_t most) {
    return std::clamp<std::int64_t>(std::llround(side), 1, most);
  };
  Window part{.height = height, .width = width};
  if (aspect < options.least_aspect)
    part.height = rounded(static_cast<double>(width) / options.least_aspect, height);
  else if (aspect > options.most_aspect)
    part.width = rounded(static_cast<double>(height) * options.most_aspect, width);
  part.top = (height - part.height) / 2;
  part.left = (width - part.width) / 2;
  return part;
}

}  // namespace

Scene resize(const Scene& scene, std::int64_t height, std::int64_t width) {
  check(scene);
  check_sides("resize", height, width);
  const io::Image& image = scene.image;
  Scene result{resized(image, height, width), scene.boxes};
  if (scene.mask) {
    result.mask = gathered(*scene.mask, height, width, {}, [&](std::int64_t y, std::int64_t x) {
      return pixel_at(*scene.mask, nearest_pixel(y, image.height, height),
                      nearest_pixel(x, image.width, width));
    });
  }
  const double down = static_cast<double>(height) / static_cast<double>(image.height),
               across = static_cast<double>(width) / static_cast<double>(image.width);
  for (Box& box : result.boxes) {
    box = {static_cast<float>(box.x0 * across), static_cast<float>(box.y0 * down),
           static_cast<float>(box.x1 * across), static_cast<float>(box.y1 * down), box.label};
  }
  return result;
}

Scene resize_shorter_side(const Scene& scene, std::int64_t shorter) {
  check(scene);
  check_sides("resize_shorter_side", shorter, 1);
  const std::int64_t height = scene.image.height, width = scene.image.width;
  const auto longer = [&](std::int64_t side, std::int64_t other) {
    return std::llround(static_cast<double>(side) * static_cast<double>(shorter) /
                        static_cast<double>(other));
  };
  return height <= width ? resize(scene, shorter, longer(width, height))
                         : resize(scene, longer(height, width), shorter);
}

Scene random_resized_crop(const Scene& scene, std::int64_t height, std::int64_t width,
                          const RandomStream& random, const RandomResizedCropOptions& ranges,
                          const SceneOptions& options) {
  check(scene);
  check_sides("random_resized_crop", height, width);
  const PartRange range = {ranges.least_area, ranges.most_area, ranges.least_aspect, ranges.most_aspect};
  check(range, "random_resized_crop");
  const std::optional<Window> part = draw_part(scene.image.height, scene.image.width, range, random);
  const Window window = part ? *part : largest_part(scene.image.height, scene.image.width, ranges);
  return resize(crop(scene, window, options), height, width);
}

}  // namespace attend::data
