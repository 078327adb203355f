#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "attend/base/random.h"
#include "attend/io/file.h"
#include "attend/io/image.h"

namespace attend::test {

/// A grey picture of 8 x 8 noisy dark pixels, one quarter of which is bright: 0 top left, 1 top right, 2
/// bottom left, 3 bottom right.
inline io::Image quarter_picture(int quarter, std::uint64_t seed) {
  constexpr int kSide = 8;
  Generator random(seed);
  io::Image image{.height = kSide, .width = kSide, .channels = 1};
  for (int row = 0; row < kSide; ++row)
    for (int column = 0; column < kSide; ++column) {
      const bool bright = row / 4 * 2 + column / 4 == quarter;
      image.pixels.push_back(static_cast<std::uint8_t>(random.below(90) + (bright ? 150 : 0)));
    }
  return image;
}

inline void write_png(const std::filesystem::path& path, const io::Image& image) {
  const std::vector<std::byte> png = io::encode_png(image);
  io::write_file_atomically(path, {reinterpret_cast<const char*>(png.data()), png.size()});
}

/// A folder with `each` such pictures in each of the subfolders "a" to "d".
inline void write_quarters(const std::filesystem::path& folder, int each, std::uint64_t seed = 0) {
  for (int quarter = 0; quarter < 4; ++quarter) {
    const std::filesystem::path sub = folder / std::string(1, static_cast<char>('a' + quarter));
    std::filesystem::create_directories(sub);
    for (int i = 0; i < each; ++i)
      write_png(sub / (std::to_string(i) + ".png"),
                quarter_picture(quarter, seed + static_cast<std::uint64_t>(quarter * 1000 + i)));
  }
}

}  // namespace attend::test
