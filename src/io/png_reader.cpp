#include <fmt/format.h>
#include <png.h>

#include <cstring>
#include <utility>

#include "io/error_exit.h"
#include "io/exif.h"
#include "io/stored_image.h"

namespace attend::io {
namespace {

using Background = std::array<std::uint8_t, 3>;

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  static_cast<ErrorExit*>(png_get_error_ptr(png))->leave(message);
}

void on_warning(png_structp, png_const_charp) {}

void take(png_structp png, png_bytep data, std::size_t size) {
  auto& left = *static_cast<std::span<const std::byte>*>(png_get_io_ptr(png));
  if (left.size() < size) png_error(png, "it is cut short");
  std::memcpy(data, left.data(), size);
  left = left.subspan(size);
}

/// Reads one file by libpng, which is released at the end.
class PngReader {
 public:
  PngReader(std::span<const std::byte> bytes, std::string_view name)
      : left_(bytes),
        name_(name),
        png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &exit_, on_error, on_warning)) {
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  /// With `labels`, the numbers of a palette or the values of grey as the file holds them.
  StoredImage read(const ReadImageOptions& options, bool labels) {
    if (info_ == nullptr) fail_image(name_, "out of memory");
    StoredImage stored;
    Image& image = stored.image;
    run([&] {
      png_set_read_fn(png_, &left_, take);
      // Ours is the limit, and it is checked below.
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
      png_read_info(png_, info_);
      image.height = png_get_image_height(png_, info_);
      image.width = png_get_image_width(png_, info_);
    });
    check_size(name_, image.height, image.width, options);
    if (labels) check_labels();
    int passes = 0, channels = 0;
    run([&] {
      if (labels) {
        png_set_packing(png_);
      } else {
        png_set_expand(png_);  // palette, less than 8 bits, and a colour that stands for transparent
        png_set_scale_16(png_);
        const auto [red, green, blue] = options.background;
        if (has_alpha() && (red != green || green != blue)) png_set_gray_to_rgb(png_);
      }
      passes = png_set_interlace_handling(png_);
      png_read_update_info(png_, info_);
      channels = png_get_channels(png_, info_);
    });
    const auto width = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(channels);
    image.pixels.resize(static_cast<std::size_t>(image.height) * width);
    std::uint8_t* const pixels = image.pixels.data();
    run([&] {
      for (int pass = 0; pass < passes; ++pass)
        for (std::int64_t y = 0; y < image.height; ++y)
          png_read_row(png_, pixels + static_cast<std::size_t>(y) * width, nullptr);
      png_read_end(png_, info_);
      png_bytep exif = nullptr;
      png_uint_32 exif_bytes = 0;
      if (png_get_eXIf_1(png_, info_, &exif_bytes, &exif) != 0)
        stored.orientation = exif_orientation({exif, exif_bytes});
    });
    image.channels = channels;
    if (channels == 2 || channels == 4) lay_over(image, options.background);
    return stored;
  }

 private:
  template <class Body>
  void run(const Body& body) {
    if (!exit_.returns_normally(body)) fail_image(name_, fmt::format("bad PNG picture: {}", exit_.message()));
  }

  void check_labels() const {
    const int kind = png_get_color_type(png_, info_), bits = png_get_bit_depth(png_, info_);
    if ((kind != PNG_COLOR_TYPE_PALETTE && kind != PNG_COLOR_TYPE_GRAY) || bits > 8)
      fail_image(name_, fmt::format("{} of {} bits; a mask is a PNG picture in grey or with a palette, of at "
                                    "most 8 bits, whose numbers are classes",
                                    (kind & PNG_COLOR_MASK_COLOR) != 0 ? "colours" : "grey", bits));
  }

  bool has_alpha() const {
    return (png_get_color_type(png_, info_) & PNG_COLOR_MASK_ALPHA) != 0 ||
           png_get_valid(png_, info_, PNG_INFO_tRNS) != 0;
  }

  /// The last channel, which is alpha, goes; the others become what is seen over the background.
  static void lay_over(Image& image, const Background& background) {
    const auto with_alpha = static_cast<std::size_t>(image.channels), without = with_alpha - 1;
    std::size_t out = 0;
    for (std::size_t in = 0; in < image.pixels.size(); in += with_alpha) {
      const unsigned alpha = image.pixels[in + without];
      for (std::size_t c = 0; c < without; ++c) {
        const unsigned seen = alpha * image.pixels[in + c] + (255 - alpha) * background[c];
        image.pixels[out++] = static_cast<std::uint8_t>((seen + 127) / 255);
      }
    }
    image.pixels.resize(out);
    image.channels = static_cast<std::int64_t>(without);
  }

  std::span<const std::byte> left_;
  std::string_view name_;
  ErrorExit exit_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

StoredImage decode_png(std::span<const std::byte> bytes, std::string_view name,
                       const ReadImageOptions& options) {
  return PngReader(bytes, name).read(options, false);
}

Image decode_png_labels(std::span<const std::byte> bytes, std::string_view name,
                        const ReadImageOptions& options) {
  return PngReader(bytes, name).read(options, true).image;
}

}  // namespace attend::io
