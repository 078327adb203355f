#include "attend/data/composed_scenes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "attend/base/error.h"
#include "attend/data/detections.h"
#include "data/augment_draw.h"
#include "data/scene.h"

namespace attend::data {
namespace {

constexpr std::int64_t kMostItems = 1000;
constexpr std::int64_t kMostClasses = 255;  // numbers of a mask of bytes, less the ground

/// The draws of a scene: each item has groups of its own, and the noise those behind them.
constexpr std::uint64_t kAttempts = 20, kGroupsOfItem = kAttempts + 1;
constexpr std::uint64_t kNoise = 1 + kMostItems * kGroupsOfItem;

bool is_ground(const std::uint8_t* pixel, std::int64_t channels, std::uint8_t ground) {
  return std::all_of(pixel, pixel + channels, [=](std::uint8_t value) { return value <= ground; });
}

/// The smallest window around the pixels that are drawn; none when there is none.
std::optional<Window> drawn_part(const io::Image& image, std::uint8_t ground) {
  std::int64_t top = image.height, left = image.width, bottom = -1, right = -1;
  for (std::int64_t y = 0; y < image.height; ++y)
    for (std::int64_t x = 0; x < image.width; ++x) {
      if (is_ground(pixel_at(image, y, x), image.channels, ground)) continue;
      top = std::min(top, y), bottom = y;
      left = std::min(left, x), right = std::max(right, x);
    }
  if (bottom < 0) return std::nullopt;
  return Window{.top = top, .left = left, .height = bottom - top + 1, .width = right - left + 1};
}

/// The share of the smaller box that lies in the other.
double overlap(const Box& a, const Box& b) {
  return shared_area(a, b) / std::min(area_of(a), area_of(b));
}

/// A picture that is to be placed, with the part of it that is drawn.
struct Item {
  io::Image image;
  std::optional<Window> part;
  std::int64_t label;
};

Item draw_item(const LabelledImages& items, std::int64_t channels, const ComposedScenesOptions& options,
               const RandomStream& random, std::uint64_t group) {
  const std::int64_t chosen = below(random, group, 0, items.size());
  io::Image image = io::with_channels(items.image(chosen), channels);
  const double scale =
      options.least_scale + (options.most_scale - options.least_scale) * uniform(random, group, 1);
  const auto scaled = [&](std::int64_t side) {
    return std::max<std::int64_t>(1, std::llround(scale * static_cast<double>(side)));
  };
  if (scale != 1) image = resize({.image = image}, scaled(image.height), scaled(image.width)).image;
  const std::optional<Window> part = drawn_part(image, options.ground);
  return {std::move(image), part, items.labels()[static_cast<std::size_t>(chosen)]};
}

/// A place for the drawn part that overlaps no other box too much; none when there is no such part, it is too
/// large, or none of the places drawn is free.
std::optional<Box> free_place(const Scene& scene, const Item& item, const ComposedScenesOptions& options,
                              const RandomStream& random, std::uint64_t group) {
  if (!item.part || item.part->height > options.height || item.part->width > options.width)
    return std::nullopt;
  for (std::uint64_t attempt = 1; attempt <= kAttempts; ++attempt) {
    const std::int64_t top = below(random, group + attempt, 0, options.height - item.part->height + 1),
                       left = below(random, group + attempt, 1, options.width - item.part->width + 1);
    const Box box = {static_cast<float>(left), static_cast<float>(top),
                     static_cast<float>(left + item.part->width), static_cast<float>(top + item.part->height),
                     item.label};
    const bool free = std::all_of(scene.boxes.begin(), scene.boxes.end(), [&](const Box& other) {
      return overlap(box, other) <= options.most_overlap;
    });
    if (free) return box;
  }
  return std::nullopt;
}

void draw(Scene& scene, const Item& item, const Box& box, std::uint8_t ground) {
  const auto top = static_cast<std::int64_t>(box.y0), left = static_cast<std::int64_t>(box.x0);
  const std::int64_t channels = item.image.channels;
  for (std::int64_t y = 0; y < item.part->height; ++y)
    for (std::int64_t x = 0; x < item.part->width; ++x) {
      const std::uint8_t* const pixel = pixel_at(item.image, item.part->top + y, item.part->left + x);
      if (is_ground(pixel, channels, ground)) continue;
      const std::int64_t place = (top + y) * scene.image.width + left + x;
      std::copy_n(pixel, channels, scene.image.pixels.begin() + place * channels);
      scene.mask->pixels[static_cast<std::size_t>(place)] = static_cast<std::uint8_t>(1 + box.label);
    }
}

io::Image blank(std::int64_t height, std::int64_t width, std::int64_t channels) {
  io::Image image{.height = height, .width = width, .channels = channels};
  image.pixels.resize(static_cast<std::size_t>(height * width * channels));
  return image;
}

void add_noise(io::Image& canvas, std::uint8_t most, const RandomStream& random) {
  for (std::size_t i = 0; i < canvas.pixels.size(); ++i)
    canvas.pixels[i] =
        static_cast<std::uint8_t>(below(random, kNoise + i / 4, i % 4, std::int64_t{most} + 1));
}

}  // namespace

ComposedScenes::ComposedScenes(LabelledImages items, const ComposedScenesOptions& options, std::uint64_t seed)
    : items_(std::move(items)), options_(options), seed_(seed) {
  if (items_.size() == 0) throw Error("composed scenes: a set without pictures; at least one is needed");
  if (std::ssize(items_.class_names()) > kMostClasses)
    throw Error(fmt::format("composed scenes: {} classes; at most {} are accepted",
                            items_.class_names().size(), kMostClasses));
  check_sides("composed scenes", options.height, options.width);
  if (options.least_items < 0 || options.least_items > options.most_items || options.most_items > kMostItems)
    throw Error(fmt::format("composed scenes: {} to {} items; expected 0 <= least <= most <= {}",
                            options.least_items, options.most_items, kMostItems));
  if (!(options.least_scale >= 0.01 && options.least_scale <= options.most_scale &&
        options.most_scale <= 100))
    throw Error(fmt::format("composed scenes: scales from {} to {}; expected 0.01 <= least <= most <= 100",
                            options.least_scale, options.most_scale));
  check_range("composed scenes: an overlap", options.most_overlap, 0, 1);
  check_range("composed scenes: a ground", options.ground, 0, 254);
  channels_ = items_.image(0).channels;
}

Scene ComposedScenes::scene(std::int64_t i) const {
  if (i < 0) throw Error(fmt::format("scene {}; expected a number from 0", i));
  const RandomStream random{.seed = seed_, .stream = static_cast<std::uint64_t>(i)};
  Scene scene{.image = blank(options_.height, options_.width, channels_),
              .boxes = {},
              .mask = blank(options_.height, options_.width, 1)};
  if (options_.noise > 0) add_noise(scene.image, options_.noise, random);
  const std::int64_t items =
      options_.least_items + below(random, 0, 0, options_.most_items - options_.least_items + 1);
  for (std::int64_t n = 0; n < items; ++n) {
    const std::uint64_t group = 1 + static_cast<std::uint64_t>(n) * kGroupsOfItem;
    const Item item = draw_item(items_, channels_, options_, random, group);
    const std::optional<Box> box = free_place(scene, item, options_, random, group);
    if (!box) continue;
    draw(scene, item, *box, options_.ground);
    scene.boxes.push_back(*box);
  }
  return scene;
}

}  // namespace attend::data
