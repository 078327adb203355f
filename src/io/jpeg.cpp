// jpeglib.h needs FILE and size_t from the headers before it.
#include <cstdio>
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "io/error_exit.h"
#include "io/exif.h"
#include "io/stored_image.h"

namespace attend::io {
namespace {

/// A picture of this many scans is made to keep its reader busy: each takes the time of the whole picture.
constexpr int kMostScans = 500;

/// What libjpeg needs to read, released at the end.
struct JpegReader {
  JpegReader() {
    info.err = jpeg_std_error(&errors);
    info.client_data = &exit;
    errors.error_exit = [](j_common_ptr common) { leave(common); };
    errors.emit_message = on_message;
    errors.output_message = [](j_common_ptr) {};
    progress.progress_monitor = count_scans;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  [[noreturn]] static void leave(j_common_ptr common) {
    char message[JMSG_LENGTH_MAX] = {};
    common->err->format_message(common, message);
    static_cast<ErrorExit*>(common->client_data)->leave(message);
  }

  /// libjpeg warns of what is damaged, and makes up the rest of the picture.
  static void on_message(j_common_ptr common, int level) {
    if (level >= 0) return;
    switch (common->err->msg_code) {
      case JWRN_ADOBE_XFORM:
      case JWRN_EXTRANEOUS_DATA:
      case JWRN_JFIF_MAJOR:
      case JWRN_TOO_MUCH_DATA:
        return;  // nothing of the picture is lost
      default:
        leave(common);
    }
  }

  static void count_scans(j_common_ptr common) {
    if (common->is_decompressor && reinterpret_cast<j_decompress_ptr>(common)->input_scan_number > kMostScans)
      static_cast<ErrorExit*>(common->client_data)->leave("more scans than any camera makes");
  }

  ErrorExit exit;
  jpeg_error_mgr errors = {};
  jpeg_progress_mgr progress = {};
  jpeg_decompress_struct info = {};
};

int orientation_of(const jpeg_decompress_struct& info) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  for (auto* marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const std::span<const std::uint8_t> data(marker->data, marker->data_length);
    if (data.size() > kExif.size() && std::memcmp(data.data(), kExif.data(), kExif.size()) == 0)
      return exif_orientation(data.subspan(kExif.size()));
  }
  return 1;
}

/// Inks become light. Adobe's programs store how much of each ink is absent.
void cmyk_to_rgb(Image& image, bool inverted) {
  std::size_t out = 0;
  for (std::size_t in = 0; in < image.pixels.size(); in += 4) {
    std::uint8_t* const ink = &image.pixels[in];
    if (!inverted)
      for (int c = 0; c < 4; ++c) ink[c] = static_cast<std::uint8_t>(255 - ink[c]);
    const unsigned black = ink[3];
    for (int c = 0; c < 3; ++c) image.pixels[out++] = static_cast<std::uint8_t>((ink[c] * black + 127) / 255);
  }
  image.pixels.resize(out);
  image.channels = 3;
}

}  // namespace

StoredImage decode_jpeg(std::span<const std::byte> bytes, std::string_view name,
                        const ReadImageOptions& options) {
  JpegReader reader;
  jpeg_decompress_struct& info = reader.info;
  const auto run = [&](const auto& body) {
    if (!reader.exit.returns_normally(body))
      fail_image(name, fmt::format("bad JPEG picture: {}", reader.exit.message()));
  };
  StoredImage stored;
  Image& image = stored.image;
  run([&] {
    // Sets everything but `err` and `client_data` to zero.
    jpeg_create_decompress(&info);
    info.progress = &reader.progress;
    jpeg_save_markers(&info, JPEG_APP0 + 1, 0xffff);
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()),
                 static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&info, TRUE);
    image.height = info.image_height;
    image.width = info.image_width;
  });
  check_size(name, image.height, image.width, options);
  stored.orientation = orientation_of(info);
  const bool inks = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  const bool grey = info.jpeg_color_space == JCS_GRAYSCALE;
  info.out_color_space = inks ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
  image.channels = inks ? 4 : grey ? 1 : 3;
  const auto width = static_cast<std::size_t>(image.width * image.channels);
  image.pixels.resize(values_of(image));
  std::uint8_t* const pixels = image.pixels.data();
  run([&] {
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = pixels + info.output_scanline * width;
      jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
  });
  if (inks) cmyk_to_rgb(image, info.saw_Adobe_marker != FALSE);
  return stored;
}

}  // namespace attend::io
