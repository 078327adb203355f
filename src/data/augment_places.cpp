#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "attend/base/error.h"
#include "attend/data/augment.h"
#include "data/augment_draw.h"
#include "data/scene.h"

namespace attend::data {
namespace {

/// A turn about the middle of a picture.
struct Turn {
  double cosine, sine;
};

/// Exact for multiples of 90 degrees, where the functions of the library are not.
Turn turn_by(double degrees) {
  const double rest = std::remainder(degrees, 360);
  if (rest == 0) return {1, 0};
  if (rest == 90 || rest == -90) return {0, rest / 90};
  if (rest == 180 || rest == -180) return {-1, 0};
  const double angle = rest * std::numbers::pi / 180;
  return {std::cos(angle), std::sin(angle)};
}

struct Point {
  double x, y;
};

/// Where a place of the turned picture was before.
Point before(Turn turn, Point middle, Point p) {
  const double x = p.x - middle.x, y = p.y - middle.y;
  return {middle.x + x * turn.cosine - y * turn.sine, middle.y + x * turn.sine + y * turn.cosine};
}

io::Image turned(const io::Image& image, Turn turn, Point middle, const Color& fill) {
  io::Image result{.height = image.height, .width = image.width, .channels = image.channels};
  result.pixels.resize(image.pixels.size());
  std::uint8_t* out = result.pixels.data();
  for (std::int64_t y = 0; y < image.height; ++y)
    for (std::int64_t x = 0; x < image.width; ++x) {
      const Point from = before(turn, middle, {static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5});
      const double left = std::floor(from.x - 0.5), top = std::floor(from.y - 0.5);
      const double right_share = from.x - 0.5 - left, lower_share = from.y - 0.5 - top;
      const auto column = static_cast<std::int64_t>(left), row = static_cast<std::int64_t>(top);
      const auto value = [&](std::int64_t dy, std::int64_t dx, std::size_t c) -> double {
        const std::uint8_t* const pixel = pixel_at(image, row + dy, column + dx);
        return pixel != nullptr ? pixel[c] : fill[c];
      };
      for (std::size_t c = 0; c < static_cast<std::size_t>(image.channels); ++c) {
        const double upper = value(0, 0, c) * (1 - right_share) + value(0, 1, c) * right_share;
        const double lower = value(1, 0, c) * (1 - right_share) + value(1, 1, c) * right_share;
        *out++ = static_cast<std::uint8_t>(upper * (1 - lower_share) + lower * lower_share + 0.5);
      }
    }
  return result;
}

Box turned(const Box& box, Turn turn, Point middle) {
  // A turn by the negative angle is its inverse.
  const Turn back = {turn.cosine, -turn.sine};
  double x0 = std::numeric_limits<double>::infinity(), y0 = x0, x1 = -x0, y1 = -x0;
  for (const double x : {box.x0, box.x1})
    for (const double y : {box.y0, box.y1}) {
      const Point corner = before(back, middle, {x, y});
      x0 = std::min(x0, corner.x), x1 = std::max(x1, corner.x);
      y0 = std::min(y0, corner.y), y1 = std::max(y1, corner.y);
    }
  return {static_cast<float>(x0), static_cast<float>(y0), static_cast<float>(x1), static_cast<float>(y1),
          box.label};
}

io::Image flipped(const io::Image& image, bool horizontally) {
  return gathered(image, image.height, image.width, {}, [&](std::int64_t y, std::int64_t x) {
    return horizontally ? pixel_at(image, y, image.width - 1 - x) : pixel_at(image, image.height - 1 - y, x);
  });
}

Scene flipped(const Scene& scene, bool horizontally) {
  check(scene);
  Scene result{flipped(scene.image, horizontally), scene.boxes};
  if (scene.mask) result.mask = flipped(*scene.mask, horizontally);
  const auto height = static_cast<float>(scene.image.height), width = static_cast<float>(scene.image.width);
  for (Box& box : result.boxes) {
    if (horizontally)
      box = {width - box.x1, box.y0, width - box.x0, box.y1, box.label};
    else
      box = {box.x0, height - box.y1, box.x1, height - box.y0, box.label};
  }
  return result;
}

}  // namespace

void check(const Scene& scene) {
  io::check(scene.image);
  if (const auto& mask = scene.mask) {
    io::check(*mask);
    if (mask->height != scene.image.height || mask->width != scene.image.width || mask->channels != 1) {
      throw Error(
          fmt::format("a mask of {} x {} x {} for a picture of {} x {}; expected the same sizes and one "
                      "channel",
                      mask->height, mask->width, mask->channels, scene.image.height, scene.image.width));
    }
  }
  for (const Box& box : scene.boxes) {
    const bool finite =
        std::isfinite(box.x0) && std::isfinite(box.y0) && std::isfinite(box.x1) && std::isfinite(box.y1);
    if (!finite || box.x0 >= box.x1 || box.y0 >= box.y1) {
      throw Error(fmt::format("a box from ({}, {}) to ({}, {}); expected x0 < x1 and y0 < y1", box.x0, box.y0,
                              box.x1, box.y1));
    }
  }
}

void check(const SceneOptions& options) {
  check_range("a least share of a box", options.least_box_share, 0, 1);
}

void check_sides(std::string_view who, std::int64_t height, std::int64_t width) {
  constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;
  if (height >= 1 && width >= 1 && height <= kLongestSide && width <= kLongestSide &&
      height <= kMostPixels / width)
    return;
  throw Error(
      fmt::format("{}: a picture of height {} and width {}; sides from 1 to {} and at most {} pixels are "
                  "accepted",
                  who, height, width, kLongestSide, kMostPixels));
}

std::vector<Box> clipped(std::vector<Box> boxes, std::int64_t height, std::int64_t width,
                         const SceneOptions& options) {
  const auto area = [](const Box& box) {
    return box.x0 < box.x1 && box.y0 < box.y1 ? (double{box.x1} - box.x0) * (double{box.y1} - box.y0) : 0.0;
  };
  std::erase_if(boxes, [&](Box& box) {
    const double whole = area(box);
    const auto right = static_cast<float>(width), bottom = static_cast<float>(height);
    box = {std::clamp(box.x0, 0.0f, right), std::clamp(box.y0, 0.0f, bottom), std::clamp(box.x1, 0.0f, right),
           std::clamp(box.y1, 0.0f, bottom), box.label};
    const double left = area(box);
    return !(left > 0 && left >= options.least_box_share * whole);
  });
  return boxes;
}

Scene crop(const Scene& scene, const Window& window, const SceneOptions& options) {
  check(scene);
  check(options);
  check_sides("crop", window.height, window.width);
  if (std::max(std::abs(window.top), std::abs(window.left)) > kLongestSide)
    throw Error(fmt::format("crop: a window at ({}, {}); at most {} pixels away are accepted", window.top,
                            window.left, kLongestSide));
  const auto part = [&](const io::Image& image, const Color& fill) {
    return gathered(image, window.height, window.width, fill, [&](std::int64_t y, std::int64_t x) {
      return pixel_at(image, y + window.top, x + window.left);
    });
  };
  Scene result{part(scene.image, color_in(scene.image, options.fill)), scene.boxes};
  if (scene.mask) result.mask = part(*scene.mask, {options.mask_fill, 0, 0});
  const auto top = static_cast<float>(window.top), left = static_cast<float>(window.left);
  for (Box& box : result.boxes) box = {box.x0 - left, box.y0 - top, box.x1 - left, box.y1 - top, box.label};
  result.boxes = clipped(std::move(result.boxes), window.height, window.width, options);
  return result;
}

Scene center_crop(const Scene& scene, std::int64_t height, std::int64_t width, const SceneOptions& options) {
  check(scene);
  check_sides("center_crop", height, width);
  // Half of a negative number is rounded down too.
  const auto half = [](std::int64_t n) { return (n - (n & 1)) / 2; };
  return crop(scene,
              {.top = half(scene.image.height - height),
               .left = half(scene.image.width - width),
               .height = height,
               .width = width},
              options);
}

Scene random_crop(const Scene& scene, std::int64_t height, std::int64_t width, std::int64_t padding,
                  const RandomStream& random, const SceneOptions& options) {
  check(scene);
  check_sides("random_crop", height, width);
  check_range("random_crop: a padding", static_cast<double>(padding), 0, static_cast<double>(kLongestSide));
  const std::int64_t down = scene.image.height + 2 * padding - height,
                     right = scene.image.width + 2 * padding - width;
  if (down < 0 || right < 0) {
    throw Error(
        fmt::format("random_crop: {} x {} of a picture of {} x {} with padding {}; expected no more than it "
                    "has",
                    height, width, scene.image.height, scene.image.width, padding));
  }
  return crop(scene,
              {.top = below(random, 0, 0, down + 1) - padding,
               .left = below(random, 0, 1, right + 1) - padding,
               .height = height,
               .width = width},
              options);
}

Scene flip_horizontally(const Scene& scene) {
  return flipped(scene, true);
}

Scene flip_vertically(const Scene& scene) {
  return flipped(scene, false);
}

Scene rotate(const Scene& scene, double degrees, const SceneOptions& options) {
  check(scene);
  check(options);
  if (!std::isfinite(degrees))
    throw Error(fmt::format("rotate: {} degrees; expected a finite angle", degrees));
  const io::Image& image = scene.image;
  const Turn turn = turn_by(degrees);
  const Point middle = {static_cast<double>(image.width) / 2, static_cast<double>(image.height) / 2};
  Scene result{turned(image, turn, middle, color_in(image, options.fill))};
  if (scene.mask) {
    result.mask = gathered(*scene.mask, image.height, image.width, {options.mask_fill, 0, 0},
                           [&](std::int64_t y, std::int64_t x) {
                             const Point from = before(
                                 turn, middle, {static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5});
                             return pixel_at(*scene.mask, static_cast<std::int64_t>(std::floor(from.y)),
                                             static_cast<std::int64_t>(std::floor(from.x)));
                           });
  }
  for (const Box& box : scene.boxes) result.boxes.push_back(turned(box, turn, middle));
  result.boxes = clipped(std::move(result.boxes), image.height, image.width, options);
  return result;
}

Scene random_rotation(const Scene& scene, double most_degrees, const RandomStream& random,
                      const SceneOptions& options) {
  check_range("random_rotation: a largest angle", most_degrees, 0, 360);
  return rotate(scene, most_degrees * (2 * uniform(random, 0, 0) - 1), options);
}

}  // namespace attend::data
