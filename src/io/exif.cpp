#include "io/exif.h"

#include <algorithm>
#include <utility>

namespace attend::io {
namespace {

/// Numbers of a TIFF file, whose first two bytes give the order of the bytes; 0 beyond its end.
class TiffNumbers {
 public:
  explicit TiffNumbers(std::span<const std::uint8_t> bytes)
      : bytes_(bytes), big_(!bytes.empty() && bytes[0] == 'M') {}

  std::uint32_t at(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < size) return 0;
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < size; ++i) number = number << 8 | bytes_[offset + (big_ ? i : size - 1 - i)];
    return number;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  bool big_;
};

}  // namespace

int exif_orientation(std::span<const std::uint8_t> tiff) {
  constexpr std::uint32_t kMagic = 42, kOrientation = 0x0112, kShort = 3;
  constexpr std::size_t kEntryBytes = 12;
  const TiffNumbers numbers(tiff);
  if (numbers.at(2, 2) != kMagic) return 1;
  const std::size_t folder = numbers.at(4, 4);
  const std::uint32_t entries = numbers.at(folder, 2);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = folder + 2 + i * kEntryBytes;
    if (entry >= tiff.size()) return 1;
    if (numbers.at(entry, 2) != kOrientation || numbers.at(entry + 2, 2) != kShort) continue;
    const std::uint32_t orientation = numbers.at(entry + 8, 2);
    return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
  }
  return 1;
}

Image oriented(Image image, int orientation) {
  if (orientation <= 1) return image;
  const bool transposed = orientation >= 5;
  // Whether a row, and a column, of what is stored is counted from its end.
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  Image result{.height = transposed ? image.width : image.height,
               .width = transposed ? image.height : image.width,
               .channels = image.channels};
  result.pixels.resize(image.pixels.size());
  auto out = result.pixels.begin();
  for (std::int64_t y = 0; y < result.height; ++y)
    for (std::int64_t x = 0; x < result.width; ++x) {
      const std::int64_t row = transposed ? x : y, column = transposed ? y : x;
      const std::int64_t from = (from_bottom ? image.height - 1 - row : row) * image.width +
                                (from_right ? image.width - 1 - column : column);
      out = std::copy_n(image.pixels.begin() + from * image.channels, image.channels, out);
    }
  return result;
}

}  // namespace attend::io
