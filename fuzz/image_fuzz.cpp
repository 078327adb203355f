#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "attend/base/error.h"
#include "attend/io/idx.h"
#include "attend/io/image.h"
#include "attend/io/label_map.h"

namespace {

using namespace attend::io;

constexpr std::int64_t kMostPixels = 1 << 14;

void require(bool holds) {
  if (!holds) std::abort();
}

/// What `read` throws is an Error of one line.
template <class Read>
void try_to(const Read& read) {
  try {
    read();
  } catch (const attend::Error& error) {
    const std::string_view message = error.what();
    require(!message.empty() && message.find('\n') == message.npos);
  }
}

}  // namespace

/// Any bytes give either a picture whose every promise holds, or an Error of one line; and so with masks and
/// IDX files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try_to([&] {
    const Image image = decode_image(bytes, "file", {.max_pixels = kMostPixels});
    check(image);
    require(image.height * image.width <= kMostPixels);
    require(decode_image(encode_png(image), "copy") == image);
    // The same bytes give the same picture, and luma is that of the picture.
    require(decode_image(bytes, "file", {.channels = 1, .max_pixels = kMostPixels}) ==
            with_channels(image, 1));
  });
  try_to([&] { decode_image(bytes, "file", {.background = {255, 0, 0}, .max_pixels = kMostPixels}); });
  try_to([&] {
    const Image map = decode_label_map(bytes, "file", {.max_pixels = kMostPixels});
    require(map.channels == 1);
    check(map);
    require(decode_label_map(encode_label_map(map, label_colors()), "copy") == map);
  });
  try_to([&] {
    const IdxArray array = parse_idx(bytes, "file");
    const std::vector<std::byte> copy = encode_idx(array);
    require(std::equal(copy.begin(), copy.end(), bytes.begin(), bytes.end()));
  });
  return 0;
}
