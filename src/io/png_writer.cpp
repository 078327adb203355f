#include <fmt/format.h>
#include <png.h>

#include <new>

#include "attend/base/error.h"
#include "io/error_exit.h"
#include "io/png.h"

namespace attend::io {
namespace {

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  static_cast<ErrorExit*>(png_get_error_ptr(png))->leave(message);
}

void on_warning(png_structp, png_const_charp) {}

void append(png_structp png, png_bytep data, std::size_t size) {
  auto& file = *static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  bool stored = true;
  try {
    file.insert(file.end(), bytes, bytes + size);
  } catch (const std::bad_alloc&) {
    stored = false;
  }
  if (!stored) png_error(png, "out of memory");
}

/// What libpng needs to write, released at the end.
struct PngWriter {
  PngWriter() : png(png_create_write_struct(PNG_LIBPNG_VER_STRING, &exit, on_error, on_warning)) {
    if (png != nullptr) info = png_create_info_struct(png);
  }
  ~PngWriter() { png_destroy_write_struct(&png, &info); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  ErrorExit exit;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

/// What does not fit becomes 0, which libpng refuses.
png_uint_32 side(std::int64_t pixels) {
  return pixels > PNG_UINT_31_MAX ? 0 : static_cast<png_uint_32>(pixels);
}

}  // namespace

std::vector<std::byte> write_png(PngContent content) {
  std::vector<std::byte> file;
  std::vector<png_color> colors;
  for (const auto& [red, green, blue] : content.palette) colors.push_back({red, green, blue});
  std::vector<png_text> texts;
  for (auto& [key, note] : content.notes) {
    png_text& text = texts.emplace_back();
    text.compression = PNG_ITXT_COMPRESSION_NONE;
    text.key = key.data();
    text.text = note.data();
    text.itxt_length = note.size();
  }
  const int kind = !colors.empty()         ? PNG_COLOR_TYPE_PALETTE
                   : content.channels == 1 ? PNG_COLOR_TYPE_GRAY
                                           : PNG_COLOR_TYPE_RGB;
  PngWriter writer;
  const bool written = writer.info != nullptr && writer.exit.returns_normally([&] {
    png_structp png = writer.png;
    png_infop info = writer.info;
    png_set_write_fn(png, &file, append, nullptr);
    png_set_IHDR(png, info, side(content.width), side(content.height), 8, kind, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (!colors.empty()) png_set_PLTE(png, info, colors.data(), static_cast<int>(colors.size()));
    png_set_text(png, info, texts.data(), static_cast<int>(texts.size()));
    png_write_info(png, info);
    const std::size_t row =
        static_cast<std::size_t>(content.width) * static_cast<std::size_t>(content.channels);
    for (std::int64_t y = 0; y < content.height; ++y)
      png_write_row(png, content.pixels.data() + static_cast<std::size_t>(y) * row);
    png_write_end(png, info);
  });
  if (written) return file;
  throw Error(fmt::format("the picture could not be coded as PNG: {}",
                          writer.exit.message().empty() ? "out of memory" : writer.exit.message()));
}

}  // namespace attend::io
