#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "attend/base/error.h"
#include "attend/data/augment.h"
#include "data/augment_draw.h"
#include "data/scene.h"

namespace attend::data {
namespace {

using Pixels = std::vector<float>;  // 0 to 255

float clamped(float value) {
  return std::clamp(value, 0.0f, 255.0f);
}

float luma_of(const float* pixel, std::size_t channels) {
  return channels == 1 ? pixel[0] : 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
}

/// Values away from what `origin(pixel)` is, or towards it.
template <class Origin>
void spread(Pixels& pixels, std::size_t channels, float factor, const Origin& origin) {
  for (std::size_t i = 0; i < pixels.size(); i += channels) {
    const float from = origin(&pixels[i]);
    for (std::size_t c = 0; c < channels; ++c)
      pixels[i + c] = clamped(from + factor * (pixels[i + c] - from));
  }
}

/// A pixel of the colour whose hue is `turns` of the circle farther, of equal saturation and value in HSV.
void shift_hue(float* pixel, float turns) {
  const auto [least, most] = std::minmax({pixel[0], pixel[1], pixel[2]});
  const float range = most - least;
  if (range <= 0) return;
  const float red = pixel[0], green = pixel[1], blue = pixel[2];
  float sextant = most == red     ? (green - blue) / range
                  : most == green ? (blue - red) / range + 2
                                  : (red - green) / range + 4;
  sextant += 6 * turns;
  for (int c = 0; c < 3; ++c) {
    // How far the hue is from the channel's own, at 0, 2 and 4 sixths of the circle.
    const float away = std::abs(std::remainder(sextant - 2 * static_cast<float>(c), 6.0f));
    pixel[c] = least + range * std::clamp(2 - away, 0.0f, 1.0f);
  }
}

float factor_of(double strength, double drawn) {
  const double low = std::max(0.0, 1 - strength), high = 1 + strength;
  return static_cast<float>(low + (high - low) * drawn);
}

/// As much of the window as is in the picture becomes `value(place of the value, channel)`.
template <class Value>
void paint(io::Image& image, const Window& window, const Value& value) {
  const std::int64_t top = std::max<std::int64_t>(window.top, 0),
                     left = std::max<std::int64_t>(window.left, 0);
  const std::int64_t bottom = std::min(window.top + window.height, image.height),
                     right = std::min(window.left + window.width, image.width);
  for (std::int64_t y = top; y < bottom; ++y)
    for (std::int64_t x = left; x < right; ++x)
      for (std::int64_t c = 0; c < image.channels; ++c) {
        const auto i = static_cast<std::size_t>((y * image.width + x) * image.channels + c);
        image.pixels[i] = value(i, static_cast<std::size_t>(c));
      }
}

}  // namespace

io::Image color_jitter(const io::Image& image, const ColorJitterOptions& options,
                       const RandomStream& random) {
  constexpr double kMostStrength = 100;
  io::check(image);
  check_range("color_jitter: a brightness", options.brightness, 0, kMostStrength);
  check_range("color_jitter: a contrast", options.contrast, 0, kMostStrength);
  check_range("color_jitter: a saturation", options.saturation, 0, kMostStrength);
  check_range("color_jitter: a hue", options.hue, 0, 0.5);
  const auto channels = static_cast<std::size_t>(image.channels);
  Pixels pixels(image.pixels.begin(), image.pixels.end());
  if (options.brightness > 0)
    spread(pixels, channels, factor_of(options.brightness, uniform(random, 0, 0)),
           [](const float*) { return 0.0f; });
  if (options.contrast > 0) {
    double sum = 0;
    for (std::size_t i = 0; i < pixels.size(); i += channels) sum += luma_of(&pixels[i], channels);
    const auto mean = static_cast<float>(sum / static_cast<double>(image.height * image.width));
    spread(pixels, channels, factor_of(options.contrast, uniform(random, 0, 1)),
           [&](const float*) { return mean; });
  }
  if (options.saturation > 0 && channels == 3)
    spread(pixels, channels, factor_of(options.saturation, uniform(random, 0, 2)),
           [](const float* pixel) { return luma_of(pixel, 3); });
  if (options.hue > 0 && channels == 3) {
    const auto turns = static_cast<float>(options.hue * (2 * uniform(random, 0, 3) - 1));
    for (std::size_t i = 0; i < pixels.size(); i += 3) shift_hue(&pixels[i], turns);
  }
  io::Image result{.height = image.height, .width = image.width, .channels = image.channels};
  result.pixels.reserve(pixels.size());
  for (const float value : pixels) result.pixels.push_back(static_cast<std::uint8_t>(clamped(value) + 0.5f));
  return result;
}

io::Image random_erasing(const io::Image& image, const RandomErasingOptions& options,
                         const RandomStream& random) {
  // The parts that are drawn use the first groups of the stream.
  constexpr std::uint64_t kHappens = 64, kNoise = 65;
  io::check(image);
  check_range("random_erasing: a probability", options.probability, 0, 1);
  const PartRange range = {options.least_area, options.most_area, options.least_aspect, options.most_aspect};
  check(range, "random_erasing");
  io::Image result = image;
  if (uniform(random, kHappens, 0) >= options.probability) return result;
  const std::optional<Window> part = draw_part(image.height, image.width, range, random);
  if (!part) return result;
  const Color fill = color_in(image, options.fill);
  paint(result, *part, [&](std::size_t i, std::size_t c) {
    return options.noise ? static_cast<std::uint8_t>(below(random, kNoise + i / 4, i % 4, 256)) : fill[c];
  });
  return result;
}

io::Image cutout(const io::Image& image, std::int64_t side, const RandomStream& random, const Color& fill) {
  io::check(image);
  check_range("cutout: a side", static_cast<double>(side), 1, static_cast<double>(kLongestSide));
  io::Image result = image;
  const Color color = color_in(image, fill);
  const Window window = {.top = below(random, 0, 0, image.height) - side / 2,
                         .left = below(random, 0, 1, image.width) - side / 2,
                         .height = side,
                         .width = side};
  paint(result, window, [&](std::size_t, std::size_t c) { return color[c]; });
  return result;
}

void normalise_into(std::span<float> out, const io::Image& image, const PixelStatistics& statistics) {
  io::check(image);
  if (out.size() != image.pixels.size())
    throw Error(fmt::format("normalise_into: memory for {} values of a picture of {}", out.size(),
                            image.pixels.size()));
  const auto channels = static_cast<std::size_t>(image.channels);
  std::array<std::array<float, 256>, 3> values{};
  for (std::size_t c = 0; c < channels; ++c) {
    const float mean = statistics.mean[c], deviation = statistics.deviation[c];
    if (!std::isfinite(mean) || !(deviation > 0) || !std::isfinite(deviation))
      throw Error(
          fmt::format("a channel of mean {} and deviation {}; expected finite ones, and a positive deviation",
                      mean, deviation));
    for (std::size_t v = 0; v < 256; ++v) values[c][v] = (static_cast<float>(v) / 255.0f - mean) / deviation;
  }
  for (std::size_t i = 0; i < out.size(); i += channels)
    for (std::size_t c = 0; c < channels; ++c) out[i + c] = values[c][image.pixels[i + c]];
}

Tensor normalised(const io::Image& image, const PixelStatistics& statistics) {
  io::check(image);
  const Tensor result = Tensor::empty({image.height, image.width, image.channels});
  normalise_into({result.data<float>(), image.pixels.size()}, image, statistics);
  return result;
}

}  // namespace attend::data
