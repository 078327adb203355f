#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

#include "attend/base/random.h"
#include "attend/data/augment.h"
#include "attend/io/label_map.h"
#include "support/tiny_pictures.h"

namespace attend::test {

/// A grey picture of noisy dark pixels with a disc (class 1) and a square (class 2) of other brightness, and
/// its mask; they do not overlap.
inline data::Scene disc_and_square(std::uint64_t seed, std::int64_t height = 16, std::int64_t width = 16) {
  Generator random(seed);
  data::Scene scene{.image = {.height = height, .width = width, .channels = 1},
                    .mask = io::Image{.height = height, .width = width, .channels = 1}};
  const auto half = static_cast<std::uint64_t>(width / 2);
  const bool disc_left = random.below(2) == 0;
  const std::int64_t radius = 3, side = 5;
  const auto left_of = [&](bool left, std::int64_t size) {
    return static_cast<std::int64_t>(random.below(half - static_cast<std::uint64_t>(size) + 1) +
                                     (left ? 0 : half));
  };
  const auto top_of = [&](std::int64_t size) {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(height - size) + 1));
  };
  const std::int64_t disc_x = left_of(disc_left, 2 * radius + 1) + radius,
                     disc_y = top_of(2 * radius + 1) + radius, square_x = left_of(!disc_left, side),
                     square_y = top_of(side);
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const std::int64_t dx = x - disc_x, dy = y - disc_y;
      const bool in_disc = dx * dx + dy * dy <= radius * radius,
                 in_square = x >= square_x && x < square_x + side && y >= square_y && y < square_y + side;
      const std::uint64_t base = in_disc ? 120 : in_square ? 190 : 20;
      scene.image.pixels.push_back(static_cast<std::uint8_t>(base + random.below(50)));
      scene.mask->pixels.push_back(static_cast<std::uint8_t>(in_disc ? 1 : in_square ? 2 : 0));
    }
  return scene;
}

inline void write_mask(const std::filesystem::path& path, const io::Image& mask) {
  const std::vector<std::byte> png = io::encode_label_map(mask, io::label_colors());
  io::write_file_atomically(path, {reinterpret_cast<const char*>(png.data()), png.size()});
}

/// The folders images and masks with `count` such pairs of different sizes, and classes.txt.
inline void write_discs_and_squares(const std::filesystem::path& folder, int count, std::uint64_t seed = 0) {
  std::filesystem::create_directories(folder / "images");
  std::filesystem::create_directories(folder / "masks");
  for (int i = 0; i < count; ++i) {
    const data::Scene scene = disc_and_square(seed + static_cast<std::uint64_t>(i), 16, i % 4 == 3 ? 19 : 16);
    const std::string name = std::to_string(i) + ".png";
    write_png(folder / "images" / name, scene.image);
    write_mask(folder / "masks" / name, *scene.mask);
  }
  io::write_file_atomically(folder / "classes.txt", "ground\ndisc\nsquare\n");
}

}  // namespace attend::test
