#include "attend/explain/draw_boxes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "attend/base/error.h"
#include "attend/data/augment.h"
#include "attend/explain/color_map.h"
#include "explain/fill.h"
#include "explain/letters.h"

namespace attend::explain {
namespace {

constexpr Rgb kInk = {0, 0, 0};

struct NamedBox {
  data::Box box;
  std::string text;
};

std::uint8_t mixed(std::uint8_t below, std::uint8_t above, double opacity) {
  return static_cast<std::uint8_t>(std::lround((1 - opacity) * below + opacity * above));
}

void check(const DrawOptions& options) {
  if (options.side != 0 && (options.side < 16 || options.side > 8192))
    throw Error(fmt::format("a drawing of {} pixels; 16 to 8192 are accepted, or 0", options.side));
  if (!(options.opacity >= 0 && options.opacity <= 1))
    throw Error(fmt::format("colours of opacity {}; 0 to 1 is accepted", options.opacity));
  if (options.first_class < 0 || options.first_class > 255)
    throw Error(fmt::format("{} for class 0 in a mask; 0 to 255 are accepted", options.first_class));
}

/// Its colours, and each side times `factor`.
io::Image enlarged(const io::Image& picture, double factor) {
  const io::Image colored = io::with_channels(picture, 3);
  if (factor == 1) return colored;
  const auto scaled = [&](std::int64_t side) {
    return std::max<std::int64_t>(1, std::llround(factor * static_cast<double>(side)));
  };
  return data::resize({.image = colored}, scaled(picture.height), scaled(picture.width)).image;
}

double factor_of(const io::Image& picture, const DrawOptions& options) {
  constexpr std::int64_t kLeastSide = 448;
  const std::int64_t longest = std::max(picture.height, picture.width);
  const std::int64_t wanted = options.side != 0 ? options.side : std::max(longest, kLeastSide);
  return static_cast<double>(wanted) / static_cast<double>(longest);
}

/// The pixels of the drawing that the box covers, at least one.
PixelRectangle covered(const data::Box& box, double factor, const io::Image& drawing) {
  const auto pixel = [&](float place, std::int64_t end) {
    return static_cast<std::int64_t>(
        std::lround(std::clamp(factor * double{place}, 0.0, static_cast<double>(end))));
  };
  PixelRectangle part{pixel(box.y0, drawing.height - 1), pixel(box.x0, drawing.width - 1),
                      pixel(box.y1, drawing.height), pixel(box.x1, drawing.width)};
  part.bottom = std::max(part.bottom, part.top + 1);
  part.right = std::max(part.right, part.left + 1);
  return part;
}

void draw_frame(io::Image& drawing, const PixelRectangle& box, std::int64_t line, Rgb color) {
  const std::int64_t down = std::min(line, box.bottom - box.top),
                     across = std::min(line, box.right - box.left);
  fill(drawing, {box.top, box.left, box.top + down, box.right}, color);
  fill(drawing, {box.bottom - down, box.left, box.bottom, box.right}, color);
  fill(drawing, {box.top, box.left, box.bottom, box.left + across}, color);
  fill(drawing, {box.top, box.right - across, box.bottom, box.right}, color);
}

/// Above the box; where there is no room, inside of it.
void draw_label(io::Image& drawing, const PixelRectangle& box, std::string_view text, std::int64_t size,
                Rgb color) {
  const std::int64_t height = (kLetterHeight + 2) * size, width = (text_width(text) + 2) * size;
  const std::int64_t top = box.top >= height ? box.top - height : box.top;
  const std::int64_t left = std::max<std::int64_t>(0, std::min(box.left, drawing.width - width));
  fill(drawing, {top, left, top + height, left + width}, color);
  write_text(drawing, text, top + size, left + size, size, kInk);
}

io::Image draw(const io::Image& picture, const std::vector<NamedBox>& boxes, const DrawOptions& options) {
  io::check(picture);
  check(options);
  const double factor = factor_of(picture, options);
  io::Image drawing = enlarged(picture, factor);
  constexpr std::int64_t kSideOfOnePixel = 448;
  const std::int64_t size =
      std::max<std::int64_t>(1, std::max(drawing.height, drawing.width) / kSideOfOnePixel);
  for (const NamedBox& named : boxes)
    draw_frame(drawing, covered(named.box, factor, drawing), 2 * size, class_color(named.box.label));
  for (const NamedBox& named : boxes)
    draw_label(drawing, covered(named.box, factor, drawing), named.text, size, class_color(named.box.label));
  return drawing;
}

const std::string& name_of(const data::Box& box, const std::vector<std::string>& class_names) {
  if (!data::has_inside(box))
    throw Error(fmt::format("a box from ({}, {}) to ({}, {}); expected x0 < x1 and y0 < y1", box.x0, box.y0,
                            box.x1, box.y1));
  if (box.label < 0 || box.label >= std::ssize(class_names))
    throw Error(fmt::format("a box of class {}; there are names for {} classes, from 0", box.label,
                            class_names.size()));
  return class_names[static_cast<std::size_t>(box.label)];
}

}  // namespace

io::Image draw_boxes(const io::Image& picture, std::span<const data::DetectedBox> boxes,
                     const std::vector<std::string>& class_names, const DrawOptions& options) {
  for (const data::DetectedBox& found : boxes)
    if (std::isnan(found.score)) throw Error("a box with a score that is NaN; expected a number");
  std::vector<data::DetectedBox> order(boxes.begin(), boxes.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.score < b.score; });
  std::vector<NamedBox> named;
  for (const data::DetectedBox& found : order)
    named.push_back({found.box, fmt::format("{} {:.2f}", name_of(found.box, class_names), found.score)});
  return draw(picture, named, options);
}

io::Image draw_boxes(const io::Image& picture, std::span<const data::AnnotatedBox> boxes,
                     const std::vector<std::string>& class_names, const DrawOptions& options) {
  std::vector<NamedBox> named;
  for (const data::AnnotatedBox& object : boxes) {
    std::string text = name_of(object.box, class_names);
    if (object.crowd) text += " crowd";
    if (object.difficult) text += " difficult";
    named.push_back({object.box, std::move(text)});
  }
  return draw(picture, named, options);
}

io::Image draw_mask(const io::Image& picture, const io::Image& mask, const DrawOptions& options) {
  io::check(picture);
  io::check(mask);
  check(options);
  if (mask.height != picture.height || mask.width != picture.width || mask.channels != 1)
    throw Error(
        fmt::format("a mask of {} x {} x {} for a picture of {} x {}; expected the same sizes and one "
                    "channel",
                    mask.height, mask.width, mask.channels, picture.height, picture.width));
  io::Image drawing = enlarged(picture, factor_of(picture, options));
  std::vector<Rgb> colors;  // from that of the first class on
  for (std::int64_t value = options.first_class; value < 256; ++value)
    colors.push_back(class_color(value - options.first_class));
  for (std::int64_t y = 0; y < drawing.height; ++y)
    for (std::int64_t x = 0; x < drawing.width; ++x) {
      const std::int64_t row = y * mask.height / drawing.height, column = x * mask.width / drawing.width;
      const std::int64_t label =
          mask.pixels[static_cast<std::size_t>(row * mask.width + column)] - options.first_class;
      if (label < 0) continue;
      const Rgb color = colors[static_cast<std::size_t>(label)];
      std::uint8_t* const pixel = drawing.pixels.data() + (y * drawing.width + x) * 3;
      pixel[0] = mixed(pixel[0], color.red, options.opacity);
      pixel[1] = mixed(pixel[1], color.green, options.opacity);
      pixel[2] = mixed(pixel[2], color.blue, options.opacity);
    }
  return drawing;
}

}  // namespace attend::explain
