#pragma once

#include <cstddef>
#include <vector>

#include "attend/io/image.h"

namespace attend::test {

/// What a JPEG file is made of by libjpeg.
struct JpegOptions {
  enum class Inks { cmyk, ycck };
  Inks inks = Inks::cmyk;
  /// Whether Adobe's marker says that a program of theirs wrote it.
  bool adobe = true;
};

/// A JPEG file of the best quality with these four inks a pixel as they are.
std::vector<std::byte> ink_jpeg(std::int64_t height, std::int64_t width,
                                const std::vector<std::uint8_t>& inks, const JpegOptions& options);

/// A grey or RGB JPEG file of the best quality.
std::vector<std::byte> jpeg(const io::Image& image, bool progressive = false);

}  // namespace attend::test
