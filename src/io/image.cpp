#include "attend/io/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "io/exif.h"
#include "io/png.h"
#include "io/stored_image.h"

namespace attend::io {
namespace {

bool starts_with(std::span<const std::byte> bytes, std::string_view start) {
  return bytes.size() >= start.size() &&
         std::equal(start.begin(), start.end(), bytes.begin(),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

/// The formats that people take for these two; "" for all others.
std::string_view other_format(std::span<const std::byte> bytes) {
  if (starts_with(bytes, "GIF8")) return "a GIF picture";
  if (starts_with(bytes, "RIFF") && bytes.size() > 12 && starts_with(bytes.subspan(8), "WEBP"))
    return "a WebP picture";
  if (starts_with(bytes, "BM")) return "a BMP picture";
  if (starts_with(bytes, {"II*\0", 4}) || starts_with(bytes, {"MM\0*", 4})) return "a TIFF picture";
  return "";
}

StoredImage decode_stored(std::span<const std::byte> bytes, std::string_view name,
                          const ReadImageOptions& options) {
  if (starts_with(bytes, "\x89PNG")) return decode_png(bytes, name, options);
  if (starts_with(bytes, "\xff\xd8")) return decode_jpeg(bytes, name, options);
  if (bytes.empty()) fail_image(name, "it is empty; expected a PNG or JPEG picture");
  const std::string_view other = other_format(bytes);
  fail_image(name, other.empty() ? "it is no PNG or JPEG picture"
                                 : fmt::format("it is {}; expected PNG or JPEG", other));
}

}  // namespace

void fail_image(std::string_view name, std::string_view what) {
  throw Error(fmt::format("cannot read {}: {}", name, what));
}

void check_size(std::string_view name, std::int64_t height, std::int64_t width,
                const ReadImageOptions& options) {
  if (height < 1 || width < 1 || width > options.max_pixels / height)
    fail_image(name, fmt::format("a picture of {} x {} pixels; at least 1 and at most {} in all are accepted",
                                 width, height, options.max_pixels));
}

void check(const Image& image) {
  const auto [height, width, channels, pixels] =
      std::tie(image.height, image.width, image.channels, image.pixels);
  constexpr std::int64_t kMost = std::int64_t{1} << 60;
  if (height < 1 || width < 1 || (channels != 1 && channels != 3) || width > kMost / 4 / height ||
      pixels.size() != static_cast<std::size_t>(height * width * channels)) {
    throw Error(fmt::format(
        "an image of height {}, width {}, {} channels and {} values; expected sizes of at least 1, 1 or 3 "
        "channels, and a value for each channel of each pixel",
        height, width, channels, pixels.size()));
  }
}

Image with_channels(const Image& image, std::int64_t channels) {
  check(image);
  if (channels != 1 && channels != 3)
    throw Error(fmt::format("{} channels of an image asked for; 1 and 3 are accepted", channels));
  if (channels == image.channels) return image;
  Image result{.height = image.height, .width = image.width, .channels = channels};
  result.pixels.reserve(static_cast<std::size_t>(image.height * image.width * channels));
  if (channels == 3) {
    for (const std::uint8_t value : image.pixels) result.pixels.insert(result.pixels.end(), 3, value);
  } else {
    for (std::size_t i = 0; i < image.pixels.size(); i += 3)
      result.pixels.push_back(luma(image.pixels[i], image.pixels[i + 1], image.pixels[i + 2]));
  }
  return result;
}

Image decode_image(std::span<const std::byte> bytes, std::string_view name, const ReadImageOptions& options) {
  if (options.channels != 0 && options.channels != 1 && options.channels != 3)
    throw Error(fmt::format("{} channels of an image asked for; 0 (as the file has), 1 and 3 are accepted",
                            options.channels));
  StoredImage stored = decode_stored(bytes, name, options);
  Image image = oriented(std::move(stored.image), stored.orientation);
  if (options.channels == 0 || options.channels == image.channels) return image;
  return with_channels(image, options.channels);
}

Image read_image(const std::filesystem::path& path, const ReadImageOptions& options) {
  const std::string content = read_file(path, options.max_bytes);
  return decode_image(std::as_bytes(std::span(content)), path.string(), options);
}

std::vector<std::byte> encode_png(const Image& image) {
  check(image);
  return write_png({.height = image.height,
                    .width = image.width,
                    .channels = static_cast<int>(image.channels),
                    .pixels = image.pixels});
}

}  // namespace attend::io
