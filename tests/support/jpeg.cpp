// jpeglib.h needs FILE and size_t from the headers before it.
#include "support/jpeg.h"

#include <cstdio>
#include <cstdlib>
#include <functional>

#include <jpeglib.h>

namespace attend::test {
namespace {

std::vector<std::byte> write(std::int64_t height, std::int64_t width, int channels, J_COLOR_SPACE space,
                             const std::vector<std::uint8_t>& pixels,
                             const std::function<void(j_compress_ptr)>& set) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors = {};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* file = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &file, &size);
  info.image_height = static_cast<JDIMENSION>(height);
  info.image_width = static_cast<JDIMENSION>(width);
  info.input_components = channels;
  info.in_color_space = space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  set(&info);
  jpeg_start_compress(&info, TRUE);
  std::vector<std::uint8_t> copy = pixels;
  for (std::int64_t y = 0; y < height; ++y) {
    JSAMPROW row = copy.data() + y * width * channels;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const auto* bytes = reinterpret_cast<const std::byte*>(file);
  std::vector<std::byte> result(bytes, bytes + size);
  std::free(file);
  return result;
}

}  // namespace

std::vector<std::byte> ink_jpeg(std::int64_t height, std::int64_t width,
                                const std::vector<std::uint8_t>& inks, const JpegOptions& options) {
  return write(height, width, 4, JCS_CMYK, inks, [&](j_compress_ptr info) {
    jpeg_set_colorspace(info, options.inks == JpegOptions::Inks::ycck ? JCS_YCCK : JCS_CMYK);
    info->write_Adobe_marker = options.adobe ? TRUE : FALSE;
  });
}

std::vector<std::byte> jpeg(const io::Image& image, bool progressive) {
  return write(image.height, image.width, static_cast<int>(image.channels),
               image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB, image.pixels, [&](j_compress_ptr info) {
                 if (progressive) jpeg_simple_progression(info);
               });
}

}  // namespace attend::test
