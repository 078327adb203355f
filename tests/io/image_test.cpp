#include "attend/io/image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>

#include "attend/io/safetensors.h"
#include "support/expect_error.h"
#include "support/files.h"
#include "support/jpeg.h"
#include "support/temporary_folder.h"

namespace attend::io {
namespace {

using Bytes = std::vector<std::byte>;

/// Pictures that tests/golden/make_images.py made.
const SafetensorsFile& golden() {
  static const SafetensorsFile file = SafetensorsFile::open(ATTEND_GOLDEN_DIR "/images.safetensors");
  return file;
}

Bytes golden_file(const std::string& name) {
  const auto data = golden().at(name + "/file").data;
  return {data.begin(), data.end()};
}

Image golden_image(const std::string& name) {
  const SafetensorsEntry& entry = golden().at(name + "/pixels");
  const auto* values = reinterpret_cast<const std::uint8_t*>(entry.data.data());
  return {entry.shape[0], entry.shape[1], entry.shape[2], {values, values + entry.data.size()}};
}

/// The largest difference of two values; 256 when the sizes differ.
int difference(const Image& a, const Image& b) {
  if (a.height != b.height || a.width != b.width || a.channels != b.channels ||
      a.pixels.size() != b.pixels.size())
    return 256;
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    largest = std::max(largest, std::abs(int{a.pixels[i]} - int{b.pixels[i]}));
  return largest;
}

Image decode(const Bytes& bytes, const ReadImageOptions& options = {}) {
  return decode_image(bytes, "picture", options);
}

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Image pattern(std::int64_t height, std::int64_t width, std::int64_t channels) {
  Image image{.height = height, .width = width, .channels = channels};
  for (std::int64_t i = 0; i < height * width * channels; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>(i * 37 + i / 11));
  return image;
}

TEST(Image, ReadsWhatPillowReads) {
  int count = 0;
  for (const SafetensorsEntry& entry : golden().entries()) {
    if (!entry.name.ends_with("/file")) continue;
    const std::string name = entry.name.substr(0, entry.name.find('/'));
    ++count;
    // Two versions of libjpeg, and two ways to round what inks absorb.
    const int tolerance = name.starts_with("jpeg") ? 1 : 0;
    EXPECT_LE(difference(decode(golden_file(name)), golden_image(name)), tolerance) << name;
  }
  EXPECT_EQ(count, 46);
}

TEST(Image, InksBecomeLight) {
  using Inks = test::JpegOptions::Inks;
  // No ink, all black, cyan, magenta, yellow, half black.
  const std::vector<std::vector<std::uint8_t>> inks = {{0, 0, 0, 0},   {0, 0, 0, 255}, {255, 0, 0, 0},
                                                       {0, 255, 0, 0}, {0, 0, 255, 0}, {0, 0, 0, 128}};
  const std::vector<std::vector<std::uint8_t>> light = {{255, 255, 255}, {0, 0, 0},     {0, 255, 255},
                                                        {255, 0, 255},   {255, 255, 0}, {127, 127, 127}};
  for (const Inks kind : {Inks::cmyk, Inks::ycck})
    for (const bool adobe : {true, false}) {
      // Without its marker nobody can tell YCCK from CMYK.
      if (kind == Inks::ycck && !adobe) continue;
      for (std::size_t i = 0; i < inks.size(); ++i) {
        std::vector<std::uint8_t> stored;
        Image expected{.height = 8, .width = 8};
        for (int pixel = 0; pixel < 64; ++pixel) {
          for (const std::uint8_t ink : inks[i])
            stored.push_back(adobe ? static_cast<std::uint8_t>(255 - ink) : ink);
          expected.pixels.insert(expected.pixels.end(), light[i].begin(), light[i].end());
        }
        const Image image = decode(test::ink_jpeg(8, 8, stored, {.inks = kind, .adobe = adobe}));
        // The colours of YCCK are rounded twice.
        EXPECT_LE(difference(image, expected), 2) << "colour " << i << ", Adobe " << adobe;
      }
    }
}

TEST(Image, ChannelsAreThoseAskedFor) {
  const Image grey = pattern(3, 5, 1), color = pattern(3, 5, 3);
  const Image grey_rgb = decode(encode_png(grey), {.channels = 3});
  ASSERT_EQ(grey_rgb.pixels.size(), 45u);
  for (std::size_t i = 0; i < 45; ++i) ASSERT_EQ(grey_rgb.pixels[i], grey.pixels[i / 3]);
  EXPECT_EQ(decode(encode_png(color), {.channels = 3}), color);
  const Image lumas = decode(encode_png(color), {.channels = 1});
  ASSERT_EQ(lumas.pixels.size(), 15u);
  for (std::size_t i = 0; i < 15; ++i) {
    const std::uint8_t* p = &color.pixels[3 * i];
    const double error = std::abs(lumas.pixels[i] - (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]));
    ASSERT_TRUE(!(error > 0.501)) << i;  // rounding, and weights of 16 bits
  }
  for (int value = 0; value < 256; ++value) {
    const auto v = static_cast<std::uint8_t>(value);
    ASSERT_EQ(luma(v, v, v), v);
  }
  EXPECT_ERROR(decode(encode_png(grey), {.channels = 2}), "2 channels of an image asked for; 0 ");
  EXPECT_ERROR(with_channels(grey, 4), "4 channels of an image asked for; 1 and 3 are accepted");
}

TEST(Image, TransparentPixelsShowTheBackground) {
  const Bytes grey_alpha = golden_file("png_4_8"), palette = golden_file("png_palette_alpha");
  EXPECT_EQ(decode(grey_alpha).channels, 1);
  EXPECT_EQ(decode(grey_alpha, {.background = {9, 9, 9}}).channels, 1);
  const Image on_white = decode(palette), on_red = decode(palette, {.background = {255, 0, 0}});
  int opaque = 0;
  for (std::size_t i = 0; i < on_white.pixels.size(); i += 3) {
    EXPECT_EQ(on_white.pixels[i], on_red.pixels[i]);  // as much red in both backgrounds
    EXPECT_GE(on_white.pixels[i + 1], on_red.pixels[i + 1]);
    opaque += on_white.pixels[i + 1] == on_red.pixels[i + 1];
  }
  EXPECT_GT(opaque, 0);
  EXPECT_LT(opaque, 30);
  // Grey is no longer grey on a coloured ground.
  const Image grey_on_red = decode(grey_alpha, {.background = {255, 0, 0}});
  EXPECT_EQ(grey_on_red.channels, 3);
  EXPECT_EQ(decode(golden_file("png_0_8"), {.background = {255, 0, 0}}).channels, 1);
}

TEST(Image, WhatIsWrittenIsReadAgain) {
  for (const std::int64_t channels : {1, 3}) {
    for (const std::int64_t side : {1, 7, 65}) {
      const Image image = pattern(side, side + 2, channels);
      EXPECT_TRUE(decode(encode_png(image)) == image);
      EXPECT_LE(difference(decode(test::jpeg(image)), decode(test::jpeg(image, true))), 0);
    }
  }
  EXPECT_ERROR(encode_png({}), "an image of height 0, width 0, 3 channels and 0 values");
  EXPECT_ERROR(encode_png({2, 2, 1, {1, 2, 3}}), "an image of height 2, width 2, 1 channels and 3 values");
  EXPECT_ERROR(encode_png({1, 1, 2, {1, 2}}), "2 channels and 2 values");
  EXPECT_ERROR(encode_png({1, 1'000'001, 1, std::vector<std::uint8_t>(1'000'001)}),
               "the picture could not be coded as PNG: ");
}

TEST(Image, FilesAreToldApartByTheirContent) {
  const test::TemporaryFolder folder;
  const Image image = pattern(4, 6, 3);
  const auto write = [&](const std::string& name, const Bytes& bytes) {
    test::write_all(folder / name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    return folder / name;
  };
  EXPECT_TRUE(read_image(write("a.jpg", encode_png(image))) == image);
  EXPECT_EQ(read_image(write("b.png", test::jpeg(image))).width, 6);
  EXPECT_ERROR(read_image(write("empty.png", {})), "empty.png: it is empty; expected a PNG or JPEG picture");
  EXPECT_ERROR(read_image(write("text.png", bytes_of("hello"))), "text.png: it is no PNG or JPEG picture");
  EXPECT_ERROR(read_image(write("a.gif", bytes_of("GIF89a..."))),
               "a.gif: it is a GIF picture; expected PNG or JPEG");
  EXPECT_ERROR(read_image(write("a.webp", bytes_of("RIFF....WEBPVP8"))), "it is a WebP picture");
  EXPECT_ERROR(read_image(folder / "none.png"), "none.png: No such file or directory");
  EXPECT_ERROR(read_image(folder.path()), "it is a folder");
  EXPECT_ERROR(read_image(folder / "a.jpg", {.max_bytes = 20}), "a.jpg: it is longer than 20 bytes");
}

TEST(Image, WhatIsCutShortIsAnError) {
  for (const char* name : {"png_2_8", "png_3_4_interlaced", "jpeg_420", "jpeg_progressive", "jpeg_cmyk"}) {
    const Bytes whole = golden_file(name);
    std::set<std::string> messages;
    for (std::size_t size = 1; size < whole.size(); ++size) {
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      messages.insert(test::error_of([&] { decode(part); }));
    }
    for (const std::string& message : messages)
      EXPECT_TRUE(message.starts_with("cannot read picture: ")) << message;
  }
}

TEST(Image, WhatIsDamagedIsAnErrorOrAPicture) {
  // Any byte may change; the checks of PNG find it, and what JPEG cannot find changes colours only.
  for (const char* name : {"png_6_16", "jpeg_progressive", "jpeg_cmyk"}) {
    const Bytes whole = golden_file(name);
    int errors = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      Bytes bytes = whole;
      bytes[i] = ~bytes[i];
      std::optional<Image> image;
      try {
        image = decode(bytes, {.max_pixels = 100'000});
      } catch (const Error& error) {
        ++errors;
        ASSERT_EQ(std::strchr(error.what(), '\n'), nullptr);
      }
      if (image) {
        EXPECT_NO_THROW(check(*image)) << name << ", byte " << i;
      }
    }
    EXPECT_GT(errors, static_cast<int>(whole.size()) / 8) << name;
  }
}

TEST(Image, HugePicturesTakeNoMemory) {
  // The header of a PNG file of 20000 x 20000 pixels, whose sum is right.
  const std::string huge(
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x4e\x20\0\0\x4e\x20\x08\x02\0\0\0\x6c\x12\xd1\x6e"
      "\0\0\0\0IDAT\x35\xaf\x06\x1e",
      8 + 25 + 12);
  EXPECT_ERROR(
      decode(bytes_of(huge)),
      "cannot read picture: a picture of 20000 x 20000 pixels; at least 1 and at most 100000000 in all");
  Bytes wide = golden_file("jpeg_420");
  // The start of frame: its marker, length, precision, height and width.
  const Bytes marker = {std::byte{0xff}, std::byte{0xc0}};
  const auto frame = std::search(wide.begin(), wide.end(), marker.begin(), marker.end());
  ASSERT_NE(frame, wide.end());
  for (int i = 5; i < 9; ++i) frame[i] = std::byte{0xfe};
  EXPECT_ERROR(decode(wide), "a picture of 65278 x 65278 pixels; at least 1");
  const Image image = pattern(10, 10, 1);
  EXPECT_EQ(decode(encode_png(image), {.max_pixels = 100}), image);
  EXPECT_ERROR(decode(encode_png(image), {.max_pixels = 99}), "a picture of 10 x 10 pixels");
  EXPECT_ERROR(decode(encode_png(image), {.max_pixels = 0}), "a picture of 10 x 10 pixels");
}

}  // namespace
}  // namespace attend::io
