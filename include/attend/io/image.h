#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace attend::io {

/// A picture of 8 bits a channel: [height, width, channels], row-major, the top row first. One channel is
/// grey, three are red, green and blue, as they are stored (gamma and colour profiles are not looked at).
struct Image {
  std::int64_t height = 0, width = 0, channels = 3;
  std::vector<std::uint8_t> pixels = {};

  bool operator==(const Image&) const = default;
};

struct ReadImageOptions {
  /// Of the picture that is given: 1, 3, or 0 for what the file has.
  int channels = 0;
  /// What shows through where a picture is transparent.
  std::array<std::uint8_t, 3> background = {255, 255, 255};
  /// A picture of more pixels is an error, before memory is taken for it.
  std::int64_t max_pixels = 100'000'000;
  /// A longer file is an error, before it is read.
  std::size_t max_bytes = std::size_t{1} << 30;
};

/// The picture in a PNG or JPEG file, which its first bytes tell apart, turned as its EXIF orientation says.
///
/// PNG: palettes, 1 to 16 bits, grey, alpha and interlacing. Of 16 bits the nearest 8 are kept; grey over a
/// coloured background becomes RGB. JPEG: grey, YCbCr, RGB, CMYK and YCCK, in Adobe's inverted form or not;
/// inks become light as R = (1 - C)(1 - K).
///
/// Throws Error naming the file when it cannot be read, is empty, cut short, corrupt or no such picture, or
/// the picture has more pixels than the options allow; for options that are not possible too.
Image read_image(const std::filesystem::path& path, const ReadImageOptions& options = {});

/// The same for the content of a file; `name` is what messages call it.
Image decode_image(std::span<const std::byte> bytes, std::string_view name,
                   const ReadImageOptions& options = {});

/// A PNG file. Throws Error if `check(image)` does, or a side is 2^31 or longer.
std::vector<std::byte> encode_png(const Image& image);

/// The picture with 1 or 3 channels. Grey is luma by ITU-R BT.601, Y = 0.299 R + 0.587 G + 0.114 B, rounded.
/// Throws Error if `check(image)` does, and for another number of channels.
Image with_channels(const Image& image, std::int64_t channels);

/// That luma of one pixel.
constexpr std::uint8_t luma(std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  // The weights in 1 / 65536, of which they are the whole: white stays white.
  return static_cast<std::uint8_t>((19595u * red + 38470u * green + 7471u * blue + 32768u) >> 16);
}

/// Throws Error unless there is a pixel, 1 or 3 channels, and as many values as the sizes say.
void check(const Image& image);

}  // namespace attend::io
