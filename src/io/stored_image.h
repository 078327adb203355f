#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "attend/io/image.h"

/// What the decoders of pictures share: src/io/image.cpp chooses one and finishes what it gives.
namespace attend::io {

/// A picture as the file stores it, with the file's channels, and the EXIF orientation in which to see it.
struct StoredImage {
  Image image = {};
  int orientation = 1;
};

/// Both throw Error as decode_image() does.
StoredImage decode_png(std::span<const std::byte> bytes, std::string_view name,
                       const ReadImageOptions& options);
StoredImage decode_jpeg(std::span<const std::byte> bytes, std::string_view name,
                        const ReadImageOptions& options);

/// The numbers of a palette, or the values of grey, as a PNG file holds them: one channel. Throws Error as
/// decode_png() does, and for any other PNG file.
Image decode_png_labels(std::span<const std::byte> bytes, std::string_view name,
                        const ReadImageOptions& options);

/// Throws Error "cannot read NAME: WHAT".
[[noreturn]] void fail_image(std::string_view name, std::string_view what);

/// Throws Error unless the options allow a picture of these sizes.
void check_size(std::string_view name, std::int64_t height, std::int64_t width,
                const ReadImageOptions& options);

/// How many values such a picture has.
inline std::size_t values_of(const Image& image) {
  return static_cast<std::size_t>(image.height * image.width * image.channels);
}

}  // namespace attend::io
